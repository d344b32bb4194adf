# The parts of uvlock2nix that generated files need, written next to them by `generate --standalone`: its setup hooks,
# the command that they run, and importUvLock.
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
