# What the module of a project adds to a NixOS system: units, timers, users, commands and static files.
{
  dir,
  name,
  overlay,
  settings,
  # Where the generated files are.
  folder ? "/nix",
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
    systemd.timers = anything { };
    assertions = anything [ ];
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
        (/. + dir + folder + "/module.nix")
        { services.${name} = builtins.fromJSON settings; }
      ];
    })
    config
    ;
  service = config.services.${name};
  # NixOS does this for every system.
  failed = lib.filter (one: !one.assertion) config.assertions;
in
if failed != [ ] then
  throw "Failed assertions: ${lib.concatMapStringsSep "; " (one: one.message) failed}"
else
base.runCommand "${name}-units"
  {
    passAsFile = [ "units" ];
    units = builtins.toJSON {
      inherit (config.systemd) services timers;
      users = lib.attrNames (config.users.users or { });
      ports = config.networking.firewall.allowedTCPPorts;
      static = service.static or null;
      pythonPath = service.package.pythonPath or null;
      program = if service.package.meta ? mainProgram then lib.getExe service.package else null;
    };
  }
  ''
    mkdir -p $out/bin
    cp "$unitsPath" $out/units.json
    ${lib.concatMapStrings (package: "ln -s ${package}/bin/* $out/bin/\n") config.environment.systemPackages}
  ''
