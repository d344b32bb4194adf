# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: its own packages, ready to run
# Digest: cad917abd80b91c3
{
  stdenv,
  callPackage,
  python313,
  uvPackageHook,
  python-deps ? callPackage ./python-deps.nix { },
  python-env ? callPackage ./python-env.nix { inherit python-deps; },
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "web";
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
  uvPackageMembers = [
    "shared=packages/shared"
    "web=packages/web"
  ];
  uvPackageExpose = [ "web" ];

  passthru = uvPackageHook.parts finalAttrs.finalPackage // {
    deps = python-deps;
    env = python-env;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage.venv}/${python313.sitePackages}";
    programs = [ "web" ];
    updateScript = [
      "uvlock2nix"
      "update-hash"
    ];
  };

  meta = {
    mainProgram = "web";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
      "aarch64-darwin"
    ];
  };
})
