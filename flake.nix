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
    in
    {
      overlays.default = import ./nix/overlay.nix;

      lib = import ./nix/lib { overlay = self.overlays.default; };

      packages = forAllSystems (pkgs: {
        default = pkgs.uvlock2nix;
        inherit (pkgs) uvlock2nix;
      });

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

      checks = forAllSystems (pkgs: {
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
      });

      formatter = forAllSystems (pkgs: pkgs.nixfmt);
    };
}
