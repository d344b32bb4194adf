# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# worker: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: fc1e63088551454f
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
    x86_64-linux = "90b3c1e4051a6fb47c7ee83e488955ee";
    aarch64-linux = "9cc6104e871c33397c7ee83e488955ee";
    aarch64-darwin = "6b1d6943ea1cbcd87c7ee83e488955ee";
  };
  selection = [ "--package=worker" ];
  libc = "glibc 2.40";
  macos = "13.0";
}
