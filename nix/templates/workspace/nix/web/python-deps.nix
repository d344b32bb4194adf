# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: 0fc445d902a125b5
{
  importUvLock,
  python313,
  # Changes to individual packages, as an overlay: final: prev: { … }.
  overrides ? _final: _prev: { },
}:

importUvLock {
  pins = ./python-deps.json;
  lock = ../../uv.lock;
  root = ../../.;
  python = python313;
  inherit overrides;

  # What this file was generated for.
  keys = {
    x86_64-linux = "90b3c1e4051a6fb4b58b7fd44a5f0b01";
    aarch64-linux = "9cc6104e871c3339b58b7fd44a5f0b01";
    aarch64-darwin = "6b1d6943ea1cbcd8b58b7fd44a5f0b01";
  };
  selection = [ "--package=web" ];
  libc = "glibc 2.40";
  macos = "13.0";
}
