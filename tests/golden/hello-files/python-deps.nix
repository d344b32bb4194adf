# Written by uvlock2nix @version@ from uv.lock; `uvlock2nix generate` writes it again.
# hello-uv: its packages, each fetched with the hash of the lock and installed into a store path of its own
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
    x86_64-linux = "90b3c1e4051a6fb4fd0f99f113ed6bf9";
  };
  libc = "glibc 2.40";
}
