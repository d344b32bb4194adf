{ overlay }:

/**
  The package, module, image, development shell, apps and checks of a project on a system, from the files that
  `uvlock2nix generate` wrote, for a handwritten flake or none at all.

  # Inputs

  `pkgs`
  : The package set; the overlay of uvlock2nix is added if it is missing.

  `files`
  : The folder with the generated files.

  `version`
  : The version of a project that takes its version from git.

  `tasks`
  : A folder of development scripts; each becomes an app.

  `shellPackages`
  : Additional programs for the development shell.

  # Type

  ```
  mkApplication :: {
    pkgs :: Pkgs;
    files :: Path;
    version? :: String;
    tasks? :: Path;
    shellPackages? :: [ Derivation ];
  } -> {
    package :: Derivation;
    venv :: Derivation;
    module :: Module | null;
    image :: Derivation | null;
    devShell :: Derivation;
    checks :: { ${name} :: Derivation };
    apps :: { ${name} :: App };
    environments :: { ${name} :: Application };
  }
  ```

  # Examples

  :::{.example}
  ## `mkApplication` usage example

  ```nix
  let
    blog = uvlock2nix.lib.mkApplication {
      inherit pkgs;
      files = ./nix;
    };
  in
  {
    environment.systemPackages = [ blog.package ];
    imports = [ blog.module ];
  }
  ```
  :::
*/
{
  pkgs,
  files,
  version ? null,
  tasks ? null,
  shellPackages ? [ ],
}:

let
  set = if pkgs ? uvPackageHook then pkgs else pkgs.extend overlay;
  inherit (set) lib;

  has = folder: file: builtins.pathExists (folder + "/${file}");
  isThere = has files "package.nix";

  # The environments that pyproject.toml names, each with its own folder.
  named = lib.filterAttrs (
    name: kind: kind == "directory" && has (files + "/${name}") "package.nix"
  ) (builtins.readDir files);

  app = description: program: {
    type = "app";
    inherit program;
    meta = { inherit description; };
  };

  application =
    folder: prefix:
    let
      wanted = lib.functionArgs (import (folder + "/package.nix"));
      arguments = lib.optionalAttrs (version != null && wanted ? version) { inherit version; };
      package = set.callPackage (folder + "/package.nix") arguments;
      # For the shell, which needs no hash: it must still work after `uv add`.
      depsFile = folder + "/python-deps.nix";
      unhashed = set.callPackage (folder + "/package.nix") (
        arguments
        // lib.optionalAttrs (lib.functionArgs (import depsFile) ? skipLockCheck) {
          python-deps = set.callPackage depsFile {
            skipLockCheck = true;
            outputHash = lib.fakeHash;
          };
        }
      );
      name = package.pname;
      program = word: app "${word} of ${name}" "${package.venv}/bin/${word}";
      manage = package.manage or [ ];
      manageProgram = set.writeShellScript "${name}-manage" ''
        exec ${lib.escapeShellArgs ([ "${package.venv}/bin/${lib.head manage}" ] ++ lib.tail manage)} "$@"
      '';
    in
    {
      inherit package;
      inherit (package) venv;

      module =
        if has folder "module.nix" then
          {
            imports = [ (folder + "/module.nix") ];
            services.${name}.package = lib.mkDefault package;
          }
        else
          null;

      image =
        if has folder "image.nix" && set.stdenv.hostPlatform.isLinux then
          set.callPackage (folder + "/image.nix") { inherit package; }
        else
          null;

      devShell = import ../application/dev-shell.nix {
        inherit shellPackages;
        package = unhashed;
        pkgs = set;
      };

      checks = {
        ${if prefix == "" then "package" else prefix} = package;
      }
      // lib.mapAttrs' (test: lib.nameValuePair (if prefix == "" then test else "${prefix}-${test}")) (
        package.tests or { }
      );

      apps =
        lib.listToAttrs (
          map (word: lib.nameValuePair (if prefix == "" then word else "${prefix}-${word}") (program word)) (
            package.programs or [ ]
          )
        )
        // lib.optionalAttrs (package.meta ? mainProgram) {
          ${if prefix == "" then "default" else prefix} = program package.meta.mainProgram;
        }
        // lib.optionalAttrs (manage != [ ]) {
          "${name}-manage" = app "the management command of ${name}" "${manageProgram}";
        };
    };

  environments = lib.mapAttrs (name: _: application (files + "/${name}") name) named;
  main =
    if isThere then
      application files ""
    else
      throw "${toString files}: no package.nix. Run: uvlock2nix generate";

  # The project's own outputs, then those of its environments, each under its name.
  all =
    part: lib.foldl' (found: one: one.${part} // found) main'.${part} (lib.attrValues environments);
  main' =
    if isThere then
      main
    else
      {
        checks = { };
        apps = { };
      };

  programs = all "apps";
  scripts = import ../application/tasks.nix {
    pkgs = set;
    inherit tasks app;
    # A task runs in the first environment, as with `uv run`.
    venv = (if isThere then main else lib.head (lib.attrValues environments)).venv;
  };
  twice = lib.attrNames (builtins.intersectAttrs scripts programs);
in
{
  inherit (main)
    package
    venv
    module
    image
    devShell
    ;
  inherit environments;
  checks = all "checks";
  apps =
    if twice != [ ] then
      throw "${toString tasks}: ${lib.head twice} is also the name of a program; rename the task"
    else
      programs // scripts;
}
