# Written by uvlock2nix @version@ from uv.lock; `uvlock2nix generate` writes it again.
# hello-uv: its own packages, ready to run
{
  stdenv,
  callPackage,
  python313,
  uvPackageHook,
  python-deps ? callPackage ./python-deps.nix { },
  python-env ? callPackage ./python-env.nix { inherit python-deps; },
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "hello-uv";
  version = "1.0.0";

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
  uvPackageUnread = [ "uv.lock" ];
  uvPackageRequires = python-env.build;
  uvPackageInterpreter = python313.interpreter;
  uvPackageBuilder = python313.pythonOnBuildForHost.interpreter;
  uvPackageMembers = [ "hello-uv=." ];
  uvPackageExpose = [ "hello-uv" ];

  passthru = uvPackageHook.parts finalAttrs.finalPackage // {
    deps = python-deps;
    env = python-env;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage.venv}/${python313.sitePackages}";
    programs = [ "hello-uv" ];
    updateScript = [
      "uvlock2nix"
      "update-hash"
    ];
  };

  meta = {
    description = "The smallest project that has a dependency";
    mainProgram = "hello-uv";
    platforms = [ "x86_64-linux" ];
  };
})
