# Written by uvlock2nix @version@ from uv.lock; `uvlock2nix generate` writes it again.
# authentik-like: its own packages, ready to run
{
  stdenv,
  callPackage,
  python313,
  uvPackageHook,
  python-deps ? callPackage ./python-deps.nix { },
  python-env ? callPackage ./python-env.nix { inherit python-deps; },
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "authentik-like";
  version = "2026.11.0";

  # `venv` has everything that `uv sync` would install; `out` links to the project's programs.
  outputs = [
    "out"
    "venv"
  ];

  src = uvPackageHook.projectSource {
    root = ../.;
  };

  strictDeps = true;
  nativeBuildInputs = [ uvPackageHook ];

  uvPackageEnv = uvPackageHook.environment finalAttrs python-env;
  uvPackageLocal = uvPackageHook.localPackages finalAttrs;
  uvPackageRequires = python-env.build;
  uvPackageInterpreter = python313.interpreter;
  uvPackageBuilder = python313.pythonOnBuildForHost.interpreter;
  uvPackageMembers = [
    "authentik-like=."
    "authentik-like-client=packages/authentik-like-client"
    "authentik-like-tasks=packages/authentik-like-tasks"
  ];
  uvPackageExpose = [ "authentik-like" ];

  passthru = uvPackageHook.parts finalAttrs.finalPackage // {
    deps = python-deps;
    env = python-env;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage.venv}/${python313.sitePackages}";
    programs = [ "ak" ];
    updateScript = [
      "uvlock2nix"
      "update-hash"
    ];
  };

  meta = {
    description = "A small Django application with the dependencies that make a large one hard to package";
    mainProgram = "ak";
    platforms = [ "x86_64-linux" ];
  };
})
