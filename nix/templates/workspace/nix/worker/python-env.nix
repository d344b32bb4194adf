# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# worker: its environment: the packages of deps joined by links
# Digest: 6d6899a700b749ef
{
  lib,
  stdenv,
  callPackage,
  python313,
  uvEnvHook,
  python-deps ? callPackage ./python-deps.nix { },
  # How env has the packages: `symlink` or `copy` (one tree, which does not refer to theirs).
  linkMode ? "symlink",
}:

stdenv.mkDerivation (finalAttrs: {
  name = "worker-python-env";

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
    # What builds the project's own packages.
    inherit (python-deps) build;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage}/${python313.sitePackages}";
  };
})
