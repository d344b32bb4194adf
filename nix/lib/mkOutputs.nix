{ overlay, mkApplication }:

/**
  The outputs of a flake for one project, from the files that `uvlock2nix generate` wrote.

  # Inputs

  `self`, `nixpkgs`
  : The flake of the project, and its nixpkgs.

  `name`
  : The name of the project, for its attribute in the overlay.

  `files`
  : The folder with the generated files.

  `systems`
  : The systems that the files were generated for.

  `version`
  : The version of a project that takes its version from git.

  `tasks`
  : A folder of development scripts; each runs with `nix run .#NAME`.

  `shellPackages`
  : A function from the package set to additional programs for the development shell.

  # Type

  ```
  mkOutputs :: {
    self :: Flake;
    nixpkgs :: Flake;
    name :: String;
    files :: Path;
    systems? :: [ String ];
    version? :: String;
    tasks? :: Path;
    shellPackages? :: Pkgs -> [ Derivation ];
  } -> { packages, apps, checks, overlays, devShells, formatter, nixosModules?, homeModules?, darwinModules? }
  ```

  # Examples

  :::{.example}
  ## `mkOutputs` usage example

  ```nix
  outputs = { self, nixpkgs, uvlock2nix }: uvlock2nix.lib.mkOutputs {
    inherit self nixpkgs;
    name = "polls";
    files = ./nix;
  };
  ```
  :::
*/
{
  self,
  nixpkgs,
  name,
  files,
  systems ? [
    "x86_64-linux"
    "aarch64-linux"
    "aarch64-darwin"
  ],
  version ? null,
  tasks ? null,
  shellPackages ? _pkgs: [ ],
}:

let
  inherit (nixpkgs) lib;

  applicationOf =
    pkgs:
    mkApplication {
      inherit
        pkgs
        files
        version
        tasks
        ;
      shellPackages = shellPackages pkgs;
    };

  # Evaluate nixpkgs once per system.
  forAllSystems =
    let
      every = lib.genAttrs systems (system: rec {
        pkgs = nixpkgs.legacyPackages.${system}.extend overlay;
        application = applicationOf pkgs;
      });
    in
    f: lib.mapAttrs (_: f) every;

  has = folder: file: builtins.pathExists (folder + "/${file}");
  isThere = has files "package.nix";
  named = lib.attrNames (
    lib.filterAttrs (one: kind: kind == "directory" && has (files + "/${one}") "package.nix") (
      builtins.readDir files
    )
  );

  # The packages of an application; those of an environment are prefixed with its name.
  packagesOf =
    prefix: one:
    let
      part = word: if prefix == "" then word else "${prefix}-${word}";
    in
    {
      ${part "venv"} = one.venv;
      ${part "wheel"} = one.package.wheel;
      ${part "sdist"} = one.package.sdist;
      ${part "sbom"} = one.package.sbom;
    }
    // lib.optionalAttrs (one.image != null) { ${part "image"} = one.image; };

  moduleOf =
    attribute: folder:
    { pkgs, ... }:
    {
      imports = [ (folder + "/module.nix") ];
      # A service is named after its package, which has the same name on every system.
      services.${self.packages.${lib.head systems}.${attribute}.pname}.package =
        lib.mkDefault
          self.packages.${pkgs.stdenv.hostPlatform.system}.${attribute};
    };
  withModule = lib.filter (one: has (files + "/${one}") "module.nix") named;
  modules =
    lib.genAttrs withModule (one: moduleOf one (files + "/${one}"))
    // lib.optionalAttrs (has files "module.nix") { default = moduleOf "default" files; };
in
{
  packages = forAllSystems (
    { application, ... }:
    lib.concatMapAttrs (
      environment: one: { ${environment} = one.package; } // packagesOf environment one
    ) application.environments
    // lib.optionalAttrs isThere (
      packagesOf "" application
      // {
        default = application.package;
        ${name} = application.package;
      }
    )
  );

  apps = forAllSystems ({ application, ... }: application.apps);

  checks = forAllSystems ({ application, ... }: application.checks);

  overlays.default =
    final: prev:
    let
      application = applicationOf final;
    in
    overlay final prev
    // lib.optionalAttrs isThere { ${name} = application.package; }
    // lib.listToAttrs (
      map (one: lib.nameValuePair "${name}-${one}" application.environments.${one}.package) named
    );

  devShells = forAllSystems (
    { application, ... }:
    lib.mapAttrs (_: one: one.devShell) application.environments
    // lib.optionalAttrs isThere { default = application.devShell; }
  );

  formatter = forAllSystems ({ pkgs, ... }: pkgs.nixfmt);
}
// lib.optionalAttrs (modules != { }) {
  nixosModules = modules;
  # The same module: it is asked for what it finds itself in.
  homeModules = modules;
  darwinModules = modules;
}
