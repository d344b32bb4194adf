/**
  The setup hooks, from `callPackage ./hooks { inherit uvlock2nix; }`. The attributes of each hook are listed at the top
  of its shell file.

  # Type

  ```
  hooks :: { lib, makeSetupHook, patchelf, uv, uvlock2nix } -> { ${hook} :: Derivation }
  ```
*/
{
  lib,
  makeSetupHook,
  patchelf,
  runCommand,
  uv,
  uvlock2nix,
}:

let
  substitutions = {
    uvlock2nix = lib.getExe uvlock2nix;
    common = "${./common.sh}";
  };

  /**
    References are named after the nixpkgs attribute that they come from. From a set of derivations, this makes the
    set of the outputs that code can refer to. Attributes that are null on this system (`libGL` on macOS) are left
    out.

    # Inputs

    `inputs`
    : Attribute names with their derivations.

    # Type

    ```
    referenceInputs :: { ${attr} :: Derivation } -> { ${attr} :: Path; "${attr}.dev" :: Path }
    ```

    # Examples

    :::{.example}
    ## `referenceInputs` usage example

    ```nix
    referenceInputs { inherit zlib; }
    => { zlib = "/nix/store/…-zlib-1.3.1"; "zlib.dev" = "/nix/store/…-zlib-1.3.1-dev"; }
    ```
    :::
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
  /**
    Install the locked packages of a project with `uv sync` (deps of mode `sync`); each build from source gets only its
    own inputs.
  */
  uvSyncHook = makeSetupHook {
    name = "uv-sync-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-sync-hook.sh;

  /**
    Replace every store reference of an output with a placeholder, and fail if one is left. `passthru.referenceInputs`
    names the outputs that code can refer to.
  */
  stripReferencesHook = makeSetupHook {
    name = "strip-references-hook";
    inherit substitutions;
    passthru = { inherit referenceInputs; };
  } ./strip-references-hook.sh;

  /**
    Restore the references that `stripReferencesHook` took out, by name, and find every library of every ELF file.
  */
  restoreReferencesHook = makeSetupHook {
    name = "restore-references-hook";
    propagatedBuildInputs = [ patchelf ];
    inherit substitutions;
    passthru = { inherit referenceInputs; };
  } ./restore-references-hook.sh;

  /**
    Install a wheel into its own store path (mode `files`).
  */
  uvWheelHook = makeSetupHook {
    name = "uv-wheel-hook";
    propagatedBuildInputs = [ patchelf ];
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-wheel-hook.sh;

  /**
    Build the wheel of an sdist, offline, with its locked build requirements (mode `files`).
  */
  uvSdistHook = makeSetupHook {
    name = "uv-sdist-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-sdist-hook.sh;

  /**
    Put the build requirements of a local package into a folder (mode `files`).
  */
  uvRequiresHook = makeSetupHook {
    name = "uv-requires-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
  } ./uv-requires-hook.sh;

  /**
    Make a runnable environment from deps, or from packages in their own store paths.
  */
  uvEnvHook = makeSetupHook {
    name = "uv-env-hook";
    propagatedBuildInputs = [ patchelf ];
    inherit substitutions;
  } ./uv-env-hook.sh;

  /**
    Build the local packages of a project over its environment. `passthru.projectSource` is the source of a project,
    `passthru.localPackages` its packages without the environment, `passthru.environment` what the environment is made
    of, `passthru.parts` the attributes of its package besides its outputs.
  */
  uvPackageHook = makeSetupHook {
    name = "uv-package-hook";
    substitutions = substitutions // {
      uv = lib.getExe uv;
    };
    passthru = {
      projectSource = import ./project-source.nix { inherit lib; };
      localPackages = import ./local-packages.nix { inherit lib; };
      environment = import ./environment.nix { inherit lib; };
      parts = import ./package-parts.nix { inherit lib runCommand uvlock2nix; };
    };
  } ./uv-package-hook.sh;
}
