{ lib }:

let
  # What python-env.nix of mode `files` sets, with the options of `uvlock2nix venv join` for it.
  options = {
    uvEnvJoin = "join";
    uvEnvPython = "python";
    uvEnvSystem = "system";
    uvEnvInterpreter = "interpreter";
    uvEnvPackages = "package";
    uvEnvKeep = "keep";
    uvEnvIgnore = "ignore";
    uvEnvLibraries = "library";
    referencesDlopen = "dlopen";
  };
  others = [
    "name"
    "nativeBuildInputs"
    "uvEnvLinkMode"
    "dontUnpack"
    "dontFixup"
    "passthru"
    "meta"
  ];
  # More do not fit into one variable.
  most = 1000;
in
/**
  The environment that a package in mode `files` is put over: as JSON what `uvlock2nix venv join` makes it of, where that is
  all that its derivation does; else the derivation. Joining takes less time than a derivation does.

  # Inputs

  `final`
  : The final attributes of the package.

  `env`
  : The derivation of its environment, as python-env.nix makes it.

  # Type

  ```
  environment :: AttrSet -> Derivation -> Derivation | String
  ```

  # Examples

  :::{.example}
  ## `environment` usage example

  ```nix
  stdenv.mkDerivation (finalAttrs: {
    uvPackageEnv = uvPackageHook.environment finalAttrs python-env;
    …
  })
  ```
  :::
*/
final: env:
let
  # What the user may have changed, without what stdenv adds.
  stated =
    (env.overrideAttrs (before: {
      passthru.stated = before;
    })).stated;
  plain =
    lib.all (name: options ? ${name} || lib.elem name others) (lib.attrNames stated)
    && lib.length stated.nativeBuildInputs == 1
    && stated ? uvEnvJoin
    && stated.uvEnvLinkMode or "" == "symlink"
    && lib.length stated.uvEnvJoin <= most;
  given = lib.mapAttrs' (name: option: {
    name = option;
    value = map toString (lib.toList stated.${name});
  }) (lib.filterAttrs (name: _: stated ? ${name}) options);
in
if final.uvPackageLocal == null || !plain then env else builtins.toJSON given
