# One CPython with nixpkgs' interface: `pkgs`, `sitePackages`, `interpreter`, `withPackages`, …
{ lib, pkgs, minor, node, version, wheels, place, packageOverrides ? (_: _: { }) }:
let
  digits = lib.replaceStrings [ "." ] [ "" ] minor;
  libPrefix = "python${minor}";
  sitePackages = "lib/${libPrefix}/site-packages";
  args = { inherit lib pkgs minor node version wheels place packageOverrides; };
  python = node // passthru // { inherit passthru; };
  passthru = {
    pname = "python3";
    inherit version libPrefix sitePackages;
    executable = libPrefix;
    interpreter = "${node.out}/bin/${libPrefix}";
    pythonVersion = minor;
    implementation = "cpython";
    sourceVersion = {
      major = lib.versions.major version;
      minor = lib.versions.minor version;
      patch = lib.versions.patch version;
      suffix = "";
    };
    isPy2 = false;
    isPy3 = true;
    isPy3k = true;
    isPyPy = false;
    pythonABITags = [ "abi3" "none" "cp${digits}" ];
    pythonAtLeast = lib.versionAtLeast minor;
    pythonOlder = lib.versionOlder minor;
    tkinter = null;
    pythonOnBuildForHost = python;
    pythonOnBuildForTarget = python;
    pkgs = import ./packages.nix { inherit lib pkgs python wheels place packageOverrides; };
    withPackages = choose: import ./env.nix { inherit lib pkgs python; extraLibs = choose python.pkgs; };
    buildEnv = { override = a: import ./env.nix ({ inherit lib pkgs python; } // { extraLibs = a.extraLibs or [ ]; }); };
    override = over: import ./. (args // (if builtins.isFunction over then over args else over));
    overrideAttrs = _: python;
    meta = { mainProgram = libPrefix; platforms = lib.platforms.linux; };
    type = "derivation";
  } // lib.listToAttrs (map (n: lib.nameValuePair "isPy3${toString n}" (digits == "3${toString n}")) (lib.range 6 16));
in
python
