{
  description = "Turn a Python project's uv.lock into Nix that builds in the sandbox, stays right and runs";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      forAllSystems =
        f:
        nixpkgs.lib.genAttrs systems (
          system:
          f (
            import nixpkgs {
              inherit system;
              overlays = [ self.overlays.default ];
            }
          )
        );

      templates = {
        application = "A program with its tests";
        service = "A web service with a NixOS module";
        workspace = "Two programs and a library of one lock";
      };
      # A template may support fewer systems than this flake.
      checksOf =
        pkgs: name:
        nixpkgs.lib.filterAttrs
          (_: check: builtins.elem pkgs.stdenv.hostPlatform.system (check.meta.platforms or systems))
          (self.lib.mkApplication {
            inherit pkgs;
            files = ./nix/templates/${name}/nix;
          }).checks;
    in
    {
      overlays.default = import ./nix/overlay.nix;

      lib = import ./nix/lib { overlay = self.overlays.default; };

      packages = forAllSystems (pkgs: {
        default = pkgs.uvlock2nix;
        inherit (pkgs) uvlock2nix;
        # uvlock2nix built by itself, from its own uv.lock.
        self = pkgs.callPackage ./nix/self/package.nix { };
      });

      templates = builtins.mapAttrs (name: description: {
        path = ./nix/templates/${name};
        inherit description;
        welcomeText = ''
          Set `inputs.uvlock2nix.url` in flake.nix to the reference that you took this from, then:

              git init && git add -A
              nix flake check
        '';
      }) templates;

      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.uv
            pkgs.ruff
            pkgs.shellcheck
            pkgs.patchelf
            (pkgs.python3.withPackages (python: [
              python.click
              python.hypothesis
              python.jsonschema
              python.mypy
              python.packaging
              python.pyelftools
              python.pytest
              python.requests
              python.tomli
            ]))
          ];
        };
      });

      checks = forAllSystems (
        pkgs:
        {
          inherit (pkgs)
            uvlock2nix
            uvSyncHook
            stripReferencesHook
            restoreReferencesHook
            uvEnvHook
            uvPackageHook
            uvWheelHook
            uvSdistHook
            uvRequiresHook
            ;
          inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) self;
        }
        // nixpkgs.lib.concatMapAttrs (
          name: _:
          nixpkgs.lib.mapAttrs' (check: nixpkgs.lib.nameValuePair "template-${name}-${check}") (
            checksOf pkgs name
          )
        ) templates
      );

      formatter = forAllSystems (pkgs: pkgs.nixfmt);
    };
}
