{
  description = "Two programs and a library of one lock";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    uvlock2nix = {
      # The reference that this template was taken from.
      url = "github:OWNER/uvlock2nix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      uvlock2nix,
    }:
    uvlock2nix.lib.mkOutputs {
      inherit self nixpkgs;
      name = "workspace";
      files = ./nix;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
    };
}
