# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# uvlock2nix-self: its own packages, ready to run
# Digest: 518ee8a4783c67c1
{
  lib,
  stdenv,
  callPackage,
  pkg-config,
  python313,
  uvPackageHook,
  python-deps ? callPackage ./python-deps.nix { },
  python-env ? callPackage ./python-env.nix { inherit python-deps; },
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "uvlock2nix-self";
  version = "0.2.0";

  # `venv` has everything that `uv sync` would install; `out` links to the project's programs.
  outputs = [
    "out"
    "venv"
  ];

  src = uvPackageHook.projectSource {
    root = ../../.;
    include = [
      ../../nix/application
      ../../nix/lib
      ../../nix/nixpkgs-source.nix
      ../../nix/overlay.nix
      ../../nix/update-file.nix
      ../../nix/update-hash.nix
      ../../nix/uvlock2nix.nix
    ];
  };

  strictDeps = true;
  nativeBuildInputs = [
    uvPackageHook
  ]
  ++ [
    pkg-config # uvlock2nix
  ];

  uvPackageEnv = uvPackageHook.environment finalAttrs python-env;
  uvPackageLocal = uvPackageHook.localPackages finalAttrs;
  uvPackageRequires = python-env.build;
  uvPackageInterpreter = python313.interpreter;
  uvPackageBuilder = python313.pythonOnBuildForHost.interpreter;
  uvPackageMembers = [ "uvlock2nix=." ];
  uvPackageExpose = [ "uvlock2nix" ];

  # The inputs of each build, which no other build gets.
  uvPackageNative = builtins.toJSON {
    uvlock2nix = {
      inputs = map lib.getDev [ pkg-config ];
    };
  };

  passthru = uvPackageHook.parts finalAttrs.finalPackage // {
    deps = python-deps;
    env = python-env;
    python = python313;
    pythonPath = "${finalAttrs.finalPackage.venv}/${python313.sitePackages}";
    programs = [ "uvlock2nix" ];
    updateScript = [
      "uvlock2nix"
      "update-hash"
    ];
  };

  meta = {
    description = "Turn a Python project's uv.lock into Nix that builds in the sandbox, stays right and runs";
    homepage = "https://github.com/uvlock2nix/uvlock2nix";
    license = lib.getLicenseFromSpdxId "MIT";
    mainProgram = "uvlock2nix";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
      "aarch64-darwin"
    ];
  };
})
