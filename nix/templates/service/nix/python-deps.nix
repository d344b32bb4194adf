# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: 5885f9ee52aeccc7
{
  importUvLock,
  python313,
  # Changes to individual packages, as an overlay: final: prev: { … }.
  overrides ? _final: _prev: { },
}:

importUvLock {
  pins = ./python-deps.json;
  lock = ../uv.lock;
  root = ../.;
  python = python313;
  inherit overrides;

  # What this file was generated for.
  keys = {
    x86_64-linux = "07c8c5e07ebe65c3102011fb7d452c01";
    aarch64-linux = "6b4e78bc0ffb3855102011fb7d452c01";
  };
  libc = "glibc 2.40";
}
