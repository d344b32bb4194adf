{ lib }:

let
  # What may do more to the source than patch it, or read the environment: with these, a project's packages are built
  # where it is.
  phases = [
    "phases"
    "prePhases"
    "unpackPhase"
    "configurePhase"
    "preConfigure"
    "postConfigure"
    "preConfigurePhases"
    "buildPhase"
    "preBuild"
    "postBuild"
    "preBuildPhases"
    "checkPhase"
    "doCheck"
    "preInstallPhases"
    "preInstall"
    "installPhase"
  ];
  # What may read or change any file of the source.
  changing = [
    "preUnpack"
    "postUnpack"
    "prePatch"
    "patches"
    "patchPhase"
    "postPatch"
  ];
  unset = [
    ""
    null
    false
    [ ]
  ];
in
/**
  The project's own packages of a package in mode `files`, built and installed in a store path of their own, without the
  environment: a change of a dependency does not build them again. `null` where a build may need the environment.

  # Inputs

  `final`
  : The final attributes of the package; its `passthru.deps` is what `importUvLock` returns. `uvPackageUnread` names
    files of the source that no build reads: their change does not build the packages again.

  # Type

  ```
  localPackages :: AttrSet -> null | Derivation
  ```

  # Examples

  :::{.example}
  ## `localPackages` usage example

  ```nix
  stdenv.mkDerivation (finalAttrs: {
    uvPackageLocal = uvPackageHook.localPackages finalAttrs;
    …
  })
  ```
  :::
*/
final:
let
  lacks = lib.all (name: lib.elem (final.${name} or null) unset);
in
if (final.passthru.deps.buildsAlone or false) && lacks phases then
  # Not finalPackage's, which is made of these attributes.
  final.overrideAttrs {
    name = "${final.name or "${final.pname}-${final.version}"}-local";
    # A source of the user's own has no `without`.
    src =
      if (final.uvPackageUnread or [ ]) != [ ] && final.src ? without && lacks changing then
        final.src.without final.uvPackageUnread
      else
        final.src;
    uvPackageUnread = [ ];
    outputs = [ "out" ];
    uvPackageProduct = "local";
    uvPackagePython = final.passthru.python.pythonVersion;
    uvPackageSystem = final.passthru.deps.system;
    uvPackageEnv = null;
    uvPackageLocal = null;
    uvPackageExpose = [ ];
    uvPackageExtra = [ ];
    postInstall = "";
    doInstallCheck = false;
    dontFixup = true;
  }
else
  null
