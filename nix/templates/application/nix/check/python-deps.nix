# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# hello-check: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: 7b7bad1f96ca3df6
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
    x86_64-linux = "d44dbff209229f85a30a0c7ac33b750e";
    aarch64-linux = "b52a524e80425be9a30a0c7ac33b750e";
    aarch64-darwin = "13781c2f01a422d6a30a0c7ac33b750e";
  };
  selection = [ "--default-groups" ];
  libc = "glibc 2.40";
  macos = "13.0";
}
