# The overlay: uvlock2nix and its setup hooks.
final: _prev:

let
  # In a checkout this file is nix/overlay.nix, in an installed package share/nix/overlay.nix.
  installed = !(builtins.pathExists ../uvlock2nix/__init__.py);
  hooks = import ../hooks {
    inherit (final)
      lib
      makeSetupHook
      patchelf
      uv
      uvlock2nix
      ;
  };
in
{
  uvlock2nix = final.callPackage ./uvlock2nix.nix {
    # Only the Python package: a change of tests or pages builds nothing again.
    source = if installed then ../.. else ../uvlock2nix;
    hooks = ../hooks;
    library = ./.;
  };

  inherit (hooks)
    uvSyncHook
    stripReferencesHook
    restoreReferencesHook
    uvEnvHook
    uvWheelHook
    uvSdistHook
    uvRequiresHook
    uvPackageHook
    ;

  importUvLock = final.callPackage ./lib/importUvLock.nix { };
}
