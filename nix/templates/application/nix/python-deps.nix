# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# hello: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: dc4295e22f9e4fea
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
    x86_64-linux = "b7a0245709b77d90755635b591111b20";
    aarch64-linux = "2d2ad8c2b178c741755635b591111b20";
    aarch64-darwin = "87a8bc53b245e7a2755635b591111b20";
  };
  libc = "glibc 2.40";
  macos = "13.0";
}
