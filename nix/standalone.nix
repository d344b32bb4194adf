# What generated files need of uvlock2nix, written next to them by `generate --standalone`: its setup hooks, the
# command that these run, and importUvLock.
{ callPackage }:

let
  uvlock2nix = callPackage ./uvlock2nix.nix {
    source = ./source;
    hooks = ./hooks;
    library = ./lib;
    completions = false;
  };
  hooks = callPackage ./hooks { inherit uvlock2nix; };
in
hooks
// {
  inherit uvlock2nix;

  importUvLock = callPackage ./lib/importUvLock.nix {
    inherit (hooks) uvWheelHook uvSdistHook uvRequiresHook;
  };
}
