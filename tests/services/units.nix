# The units that the module of a project makes, and its management commands: what NixOS would install.
{
  dir,
  name,
  overlay,
  settings,
}:
let
  base = import <nixpkgs> { overlays = [ (import (/. + overlay)) ]; };
  # The machine's own systemd, where NixOS has the one of its package set.
  pkgs = base // {
    systemd = "/usr";
  };
  inherit (base) lib;
  anything =
    default:
    lib.mkOption {
      type = lib.types.anything;
      inherit default;
    };
  # The options of NixOS that the module sets.
  nixos.options = {
    systemd.services = anything { };
    environment.systemPackages = anything [ ];
    networking.firewall.allowedTCPPorts = anything [ ];
    users = anything { };
  };
  inherit
    (lib.evalModules {
      specialArgs = {
        inherit pkgs;
      };
      modules = [
        nixos
        (/. + dir + "/nix/module.nix")
        { services.${name} = builtins.fromJSON settings; }
      ];
    })
    config
    ;
in
base.runCommand "${name}-units"
  {
    passAsFile = [ "units" ];
    units = builtins.toJSON config.systemd.services;
  }
  ''
    mkdir -p $out/bin
    cp "$unitsPath" $out/units.json
    ${lib.concatMapStrings (package: "ln -s ${package}/bin/* $out/bin/\n") config.environment.systemPackages}
  ''
