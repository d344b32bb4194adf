# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# worker: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: 3369de1e0c7a954c
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
    x86_64-linux = "1171a215996c78057c7ee83e488955ee";
    aarch64-linux = "20368610cb1884757c7ee83e488955ee";
    aarch64-darwin = "cb4bf2a5b200d8027c7ee83e488955ee";
  };
  selection = [ "--package=worker" ];
  libc = "glibc 2.40";
  macos = "13.0";
}
