/**
  The outputs of a flake for one project: everything that people expect, from the files that
  `uvlock2nix generate` has written.

  # Type

  ```
  mkOutputs :: { overlay :: Overlay } -> {
    self :: Flake, nixpkgs :: Flake, name :: String, files :: Path, systems ? :: [String], version ? :: String
  } -> { packages, apps, checks, overlays, devShells, formatter, nixosModules ? }
  ```

  # Example

  ```nix
  outputs = { self, nixpkgs, uvlock2nix }: uvlock2nix.lib.mkOutputs {
    inherit self nixpkgs;
    name = "polls";
    files = ./nix;
  };
  ```
*/
{ overlay }:
{
  # The flake of the project, and its nixpkgs.
  self,
  nixpkgs,
  # The name of the project: of its overlay attribute and of its service.
  name,
  # The folder with the generated files.
  files,
  systems ? [
    "x86_64-linux"
    "aarch64-linux"
    "aarch64-darwin"
  ],
  # The version of a project that takes it from git.
  version ? null,
  # More programs for the development shell: from the package set to a list.
  shellPackages ? _pkgs: [ ],
}:

let
  inherit (nixpkgs) lib;
  has = file: builtins.pathExists (files + "/${file}");

  packageOf =
    pkgs: pkgs.callPackage (files + "/package.nix") (lib.optionalAttrs (version != null) { inherit version; });

  project = final: prev: overlay final prev // { ${name} = packageOf final; };

  # One evaluation of nixpkgs for each system.
  pkgsOf = lib.genAttrs systems (system: nixpkgs.legacyPackages.${system}.extend project);
  forAllSystems = f: lib.mapAttrs (_: f) pkgsOf;

  image =
    pkgs:
    lib.optionalAttrs (has "image.nix" && pkgs.stdenv.hostPlatform.isLinux) {
      image = pkgs.callPackage (files + "/image.nix") { package = pkgs.${name}; };
    };

  # A program of the environment, for `nix run .#PROGRAM`.
  app = pkgs: program: {
    type = "app";
    program = "${pkgs.${name}.venv}/bin/${program}";
    meta.description = "${program} of ${name}";
  };

  shell =
    pkgs:
    let
      package = pkgs.${name};
      inherit (package) python;
      libraries = package.env.referencesLibraryPath or [ ];
    in
    pkgs.mkShell {
      packages = [
        pkgs.uv
        python
      ]
      ++ shellPackages pkgs;
      # What the packages of the lock need to compile, and the project's own.
      nativeBuildInputs = package.deps.buildTools or [ ];
      buildInputs = package.deps.buildInputs or [ ];

      # uv makes and changes .venv as anywhere else; only the interpreter is Nix's.
      UV_PYTHON = python.interpreter;
      UV_PYTHON_DOWNLOADS = "never";
      shellHook = ''
        unset PYTHONPATH SOURCE_DATE_EPOCH
        ${lib.optionalString (libraries != [ ]) ''
          # Wheels look for these libraries in the system, which NixOS does not have in the usual place.
          export LD_LIBRARY_PATH=${lib.concatStringsSep ":" libraries}''${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
        ''}
      '';
    };
in
{
  packages = forAllSystems (
    pkgs:
    {
      default = pkgs.${name};
      inherit (pkgs.${name}) venv;
    }
    // {
      ${name} = pkgs.${name};
    }
    // image pkgs
  );

  apps = forAllSystems (
    pkgs:
    lib.genAttrs (pkgs.${name}.programs or [ ]) (app pkgs)
    // lib.optionalAttrs (pkgs.${name}.meta ? mainProgram) {
      default = app pkgs pkgs.${name}.meta.mainProgram;
    }
  );

  checks = forAllSystems (pkgs: { package = pkgs.${name}; } // pkgs.${name}.tests or { });

  overlays.default = project;

  devShells = forAllSystems (pkgs: {
    default = shell pkgs;
  });

  formatter = forAllSystems (pkgs: pkgs.nixfmt);
}
// lib.optionalAttrs (has "module.nix") {
  nixosModules.default =
    { pkgs, ... }:
    {
      imports = [ (files + "/module.nix") ];
      services.${name}.package = lib.mkDefault self.packages.${pkgs.stdenv.hostPlatform.system}.default;
    };
}
