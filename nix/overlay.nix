/**
  The overlay: uvlock2nix, its setup hooks and `importUvLock`.

  # Type

  ```
  overlay :: Pkgs -> Pkgs -> { uvlock2nix, uvSyncHook, stripReferencesHook, restoreReferencesHook, uvEnvHook,
    uvPackageHook, uvWheelHook, uvSdistHook, uvRequiresHook, importUvLock }
  ```
*/
final: _prev:

let
  # In a checkout, this file is nix/overlay.nix; in an installed package, share/nix/overlay.nix.
  installed = !(builtins.pathExists ../uvlock2nix/__init__.py);
  hooks = import ../hooks {
    inherit (final)
      lib
      makeSetupHook
      patchelf
      runCommand
      uv
      uvlock2nix
      ;
  };
in
{
  uvlock2nix = final.callPackage ./uvlock2nix.nix {
    # Only the Python package, so that a change to tests or documentation rebuilds nothing.
    source = if installed then ../.. else ../uvlock2nix;
    hooks = ../hooks;
    # The parts of this folder that the command needs, so that a change to a template rebuilds nothing.
    library = final.lib.fileset.toSource {
      root = ./.;
      fileset = final.lib.fileset.difference ./. (
        final.lib.fileset.unions (
          map final.lib.fileset.maybeMissing [
            ./self
            ./templates
          ]
        )
      );
    };
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
