# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# hello-check: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: 7e4c371d337a081e
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
    x86_64-linux = "a08ad7c61cb5ccaca30a0c7ac33b750e";
    aarch64-linux = "6bd16e5e0ce13cdba30a0c7ac33b750e";
    aarch64-darwin = "b0f869fb5757608ba30a0c7ac33b750e";
  };
  selection = [ "--default-groups" ];
  libc = "glibc 2.40";
  macos = "13.0";
}
