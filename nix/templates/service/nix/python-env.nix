# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: its environment: the packages of deps joined by links
# Digest: 4739bc5e408b42d7
{
  lib,
  stdenv,
  callPackage,
  python313,
  uvEnvHook,
  python-deps ? callPackage ./python-deps.nix { },
  # How env joins the packages: `symlink`, or `copy` (a tree without references to theirs).
  linkMode ? "symlink",
}:

stdenv.mkDerivation (finalAttrs: {
  name = "web-python-env";

  nativeBuildInputs = [ uvEnvHook ];

  uvEnvJoin = lib.attrValues python-deps.packages;
  uvEnvLinkMode = linkMode;
  uvEnvPython = python313.pythonVersion;
  uvEnvSystem = stdenv.hostPlatform.system;
  uvEnvInterpreter = python313.interpreter;

  dontUnpack = true;
  dontFixup = true;

  passthru = {
    deps = python-deps;
    # The build requirements of the project's own packages.
    inherit (python-deps) build;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage}/${python313.sitePackages}";
  };
})
