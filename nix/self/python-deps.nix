# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# uvlock2nix-self: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: f30df449d2d98525
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
    x86_64-linux = "5a952fe0d522775a80ca41a0cf10ed60";
    aarch64-linux = "75a40fb89fe0b2f680ca41a0cf10ed60";
    aarch64-darwin = "e28cfdc931349e2380ca41a0cf10ed60";
  };
  libc = "glibc 2.40";
  macos = "13.0";
}
