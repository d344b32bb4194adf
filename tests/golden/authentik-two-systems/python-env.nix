# Written by uvlock2nix @version@ from uv.lock; `uvlock2nix generate` writes it again.
# authentik-like: its environment: the packages of deps with their references restored
{
  lib,
  stdenv,
  callPackage,
  expat,
  python313,
  restoreReferencesHook,
  uvEnvHook,
  zlib,
  python-deps ? callPackage ./python-deps.nix { },
  # How env is made: `copy`, or `symlink` (links to the packages of deps that do not change).
  linkMode ? "copy",
}:

stdenv.mkDerivation (finalAttrs: {
  name = "authentik-like-python-env";
  # `build` has the build requirements of the project's own packages, unused at run time.
  outputs = [
    "out"
    "build"
  ];

  strictDeps = true;
  nativeBuildInputs = [
    restoreReferencesHook
    uvEnvHook
  ];
  inherit (python-deps) buildInputs referenceInputs;

  pythonDeps = python-deps;
  uvEnvLinkMode = linkMode;
  uvEnvInterpreter = python313.interpreter;
  uvEnvBuilder = python313.pythonOnBuildForHost.interpreter;

  # What wheels expect from the system: libstdc++, libgcc_s, libexpat, libz.
  referencesLibraryPath = map (library: "${lib.getLib library}/lib") [
    stdenv.cc.cc
    expat
    zlib
  ];

  dontUnpack = true;
  # Wheels are unchanged, except for restored references.
  dontFixup = true;

  passthru = {
    deps = python-deps;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage}/${python313.sitePackages}";
  };
})
