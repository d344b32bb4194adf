# What the module of a project turns into in home-manager and in nix-darwin. Neither is here: `standIn` declares the
# options that the module sets, with the types that those projects declare, and no more than that.
{
  dir,
  name,
  overlay,
  settings,
  # "homeManager" or "darwin".
  class,
  # What the user sets besides, as JSON.
  more ? "{}",
  # Whether the machine is a Mac, in home-manager.
  isDarwin ? class == "darwin",
}:
let
  base = import <nixpkgs> { overlays = [ (import (/. + overlay)) ]; };
  inherit (base) lib;
  pkgs = base // {
    stdenv = base.stdenv // {
      hostPlatform = base.stdenv.hostPlatform // {
        inherit isDarwin;
        isLinux = !isDarwin;
      };
    };
  };
  inherit (lib) types;
  option = type: default: lib.mkOption { inherit type default; };
  primitive = types.oneOf [
    types.bool
    types.int
    types.str
    types.path
  ];
  # home-manager's modules/systemd.nix: sections of keys.
  unit = types.attrsOf (types.attrsOf (types.either primitive (types.listOf primitive)));
  # What both make of launchd.plist(5): submodules, whose keys come from several places.
  agent = types.attrsOf types.anything;
  standIn.options = {
    assertions = option (types.listOf types.anything) [ ];
  }
  // (
    if class == "darwin" then
      {
        launchd.user.agents = option (types.attrsOf agent) { };
        environment.systemPackages = option (types.listOf types.package) [ ];
      }
    else
      {
        home.packages = option (types.listOf types.package) [ ];
        systemd.user.services = option (types.attrsOf unit) { };
        systemd.user.timers = option (types.attrsOf unit) { };
        launchd.agents = option (types.attrsOf agent) { };
      }
  );
  inherit
    (lib.evalModules {
      inherit class;
      specialArgs = {
        inherit pkgs;
      };
      modules = [
        standIn
        (/. + dir + "/nix/module.nix")
        { services.${name} = builtins.fromJSON settings; }
        (builtins.fromJSON more)
      ];
    })
    config
    ;
  failed = lib.filter (one: !one.assertion) config.assertions;
  about = {
    services = config.systemd.user.services or { };
    timers = config.systemd.user.timers or { };
    agents = config.launchd.user.agents or config.launchd.agents or { };
    packages = map (one: "${one}") (config.home.packages or config.environment.systemPackages);
  };
in
if failed != [ ] then
  throw "Failed assertions: ${lib.concatMapStringsSep "; " (one: one.message) failed}"
else
  base.runCommand "${name}-user-units"
    {
      passAsFile = [ "about" ];
      about = builtins.toJSON about;
    }
    ''
      mkdir -p $out
      cp "$aboutPath" $out/units.json
    ''
