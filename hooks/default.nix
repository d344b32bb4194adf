# The setup hooks. `callPackage ./hooks { inherit uvlock2nix; }` gives them all.
{
  lib,
  makeSetupHook,
  patchelf,
  uv,
  uvlock2nix,
}:

let
  substitutions = {
    uvlock2nix = lib.getExe uvlock2nix;
    common = "${./common.sh}";
  };

  /**
    References are named by the nixpkgs attribute that they come from. This makes, of a set of
    derivations, the set of the outputs that code can refer to. An attribute that is null on this system
    (`libGL` on macOS) is left out.

    # Type

    ```
    referenceInputs :: { ${attr} :: Derivation } -> { ${attr} :: Path; "${attr}.dev" :: Path }
    ```

    # Example

    ```nix
    referenceInputs { inherit zlib; }
    => { zlib = "/nix/store/…-zlib-1.3.1"; "zlib.dev" = "/nix/store/…-zlib-1.3.1-dev"; }
    ```
  */
  referenceInputs =
    inputs:
    lib.listToAttrs (
      lib.concatLists (
        lib.mapAttrsToList (
          attr: input:
          map
            (output: {
              name = if output == "out" then attr else "${attr}.${output}";
              value = "${input.${output} or input}";
            })
            (
              lib.filter (
                output:
                lib.elem output [
                  "out"
                  "lib"
                  "dev"
                  "bin"
                ]
              ) (input.outputs or [ "out" ])
            )
        ) (lib.filterAttrs (_: input: input != null) inputs)
      )
    );
in
{
  uvSyncHook = makeSetupHook {
    name = "uv-sync-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-sync-hook.sh;

  stripReferencesHook = makeSetupHook {
    name = "strip-references-hook";
    inherit substitutions;
    passthru = { inherit referenceInputs; };
  } ./strip-references-hook.sh;

  restoreReferencesHook = makeSetupHook {
    name = "restore-references-hook";
    propagatedBuildInputs = [ patchelf ];
    inherit substitutions;
    passthru = { inherit referenceInputs; };
  } ./restore-references-hook.sh;

  uvWheelHook = makeSetupHook {
    name = "uv-wheel-hook";
    propagatedBuildInputs = [ patchelf ];
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-wheel-hook.sh;

  uvSdistHook = makeSetupHook {
    name = "uv-sdist-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-sdist-hook.sh;

  uvRequiresHook = makeSetupHook {
    name = "uv-requires-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-requires-hook.sh;

  uvEnvHook = makeSetupHook {
    name = "uv-env-hook";
    propagatedBuildInputs = [ patchelf ];
    inherit substitutions;
  } ./uv-env-hook.sh;

  uvPackageHook = makeSetupHook {
    name = "uv-package-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
    passthru.projectSource = import ./project-source.nix { inherit lib; };
  } ./uv-package-hook.sh;
}
