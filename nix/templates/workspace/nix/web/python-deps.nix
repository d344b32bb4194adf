# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: c62df5dcfcf853fd
{
  importUvLock,
  python313,
  # Changes to single packages, as an overlay: final: prev: { … }.
  overrides ? _final: _prev: { },
}:

importUvLock {
  pins = ./python-deps.json;
  lock = ../../uv.lock;
  root = ../../.;
  python = python313;
  inherit overrides;

  # What it was generated for.
  keys = {
    x86_64-linux = "1171a215996c7805b58b7fd44a5f0b01";
    aarch64-linux = "20368610cb188475b58b7fd44a5f0b01";
    aarch64-darwin = "cb4bf2a5b200d802b58b7fd44a5f0b01";
  };
  selection = [ "--package=web" ];
  libc = "glibc 2.40";
  macos = "13.0";
}
