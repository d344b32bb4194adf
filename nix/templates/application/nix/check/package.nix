# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# hello-check: its own packages, ready to run
# Digest: dee924f5675fc19d
{
  stdenv,
  callPackage,
  python313,
  uvPackageHook,
  python-deps ? callPackage ./python-deps.nix { },
  python-env ? callPackage ./python-env.nix { inherit python-deps; },
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "hello-check";
  version = "0.1.0";

  # `venv` has everything that `uv sync` would install; `out` links to the project's programs.
  outputs = [
    "out"
    "venv"
  ];

  src = uvPackageHook.projectSource {
    root = ../../.;
  };

  strictDeps = true;
  nativeBuildInputs = [ uvPackageHook ];

  uvPackageEnv = uvPackageHook.environment finalAttrs python-env;
  uvPackageLocal = uvPackageHook.localPackages finalAttrs;
  uvPackageUnread = [ "uv.lock" ];
  uvPackageRequires = python-env.build;
  uvPackageInterpreter = python313.interpreter;
  uvPackageBuilder = python313.pythonOnBuildForHost.interpreter;
  uvPackageMembers = [ "hello=." ];
  uvPackageExpose = [ "hello" ];

  passthru = uvPackageHook.parts finalAttrs.finalPackage // {
    deps = python-deps;
    env = python-env;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage.venv}/${python313.sitePackages}";
    programs = [ "hello" ];
    check = [ "pytest" ];
    updateScript = [
      "uvlock2nix"
      "update-hash"
    ];
  };

  meta = {
    description = "A program with its tests";
    mainProgram = "hello";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
      "aarch64-darwin"
    ];
  };
})
