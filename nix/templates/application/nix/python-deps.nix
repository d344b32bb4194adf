# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# hello: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: 3d4f76f736b2d881
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
    x86_64-linux = "1a4dea8c93209997755635b591111b20";
    aarch64-linux = "b3aa401ff412db77755635b591111b20";
    aarch64-darwin = "cf418b05feea66b2755635b591111b20";
  };
  libc = "glibc 2.40";
  macos = "13.0";
}
