# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# uvlock2nix-self: its packages, each fetched with the hash of the lock and installed into a store path of its own
# Digest: b726649b28e176aa
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
    x86_64-linux = "6aa0dfa67fa31b2980ca41a0cf10ed60";
    aarch64-linux = "37b172f23a7cb61e80ca41a0cf10ed60";
    aarch64-darwin = "6e590978558794fe80ca41a0cf10ed60";
  };
  libc = "glibc 2.40";
  macos = "13.0";
}
