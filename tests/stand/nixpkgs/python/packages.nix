# `python3XX.pkgs`: pinned wheels and nixpkgs' builders.
{ lib, pkgs, python, wheels, place, packageOverrides }:
let
  scope = self:
    let
      build = import ./build.nix { inherit lib pkgs python self; };
      pinned = lib.filterAttrs (name: _: name != "uv") wheels.pinned;
      wheelOf = name: version:
        let found = lib.filter (w: w.name == name && w.version == version) wheels.wheels; in
        if found == [ ] then throw "the stand has no wheel of ${name} ${version}: run tests/stand/setup" else lib.head found;
      needs = {
        # Those of fixtures/bitpoll: what nixpkgs propagates of each.
        django = [ self.asgiref self.sqlparse ];
        pyasn1-modules = [ self.pyasn1 ];
        python-dateutil = [ self.six ];
        requests = [ self.urllib3 self.idna self.certifi self.charset-normalizer ];
        hatchling = [ self.packaging self.pathspec self.pluggy self.trove-classifiers ];
      };
      fromWheel = name: version:
        let wheel = wheelOf name version; in
        self.buildPythonPackage {
          pname = name;
          inherit version;
          format = "wheel";
          src = builtins.path { path = place + "/wheels/${wheel.file}"; name = wheel.file; sha256 = wheel.sha256; recursive = false; };
          dependencies = needs.${name} or [ ];
        };
    in
    lib.mapAttrs fromWheel pinned // build // {
      inherit python lib;
      pythonVersion = python.pythonVersion;
      inherit (python) pythonAtLeast pythonOlder isPy3k;
      pythonPackages = self;
      # nixpkgs' uv python package, for projects that list it.
      callPackage = lib.callPackageWith (pkgs // self);
    };
  extensible = lib.makeExtensible (lib.extends packageOverrides scope);
in
extensible // { overrideScope = f: extensible.extend f; }
