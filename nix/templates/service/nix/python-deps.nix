# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: 42254fcff3f31d1d
{
  importUvLock,
  python313,
  # Changes to single packages, as an overlay: final: prev: { … }.
  overrides ? _final: _prev: { },
}:

importUvLock {
  pins = ./python-deps.json;
  lock = ../uv.lock;
  root = ../.;
  python = python313;
  inherit overrides;

  # What it was generated for.
  keys = {
    x86_64-linux = "f3084e7dacbb8eb5102011fb7d452c01";
    aarch64-linux = "eb8b4468d9c3667c102011fb7d452c01";
  };
  libc = "glibc 2.40";
}
