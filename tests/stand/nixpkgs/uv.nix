# uv from its wheels; `versions."0.8.0"` after `tests/stand/setup --uv 0.8.0`.
{ lib, wheels, place, stdenvNoCC, python3 }:
let
  make = wheel: stdenvNoCC.mkDerivation {
    pname = "uv";
    inherit (wheel) version;
    src = builtins.path { path = place + "/wheels/${wheel.file}"; name = wheel.file; sha256 = wheel.sha256; recursive = false; };
    nativeBuildInputs = [ python3 ];
    dontUnpack = true;
    dontStrip = true;
    dontPatchELF = true;
    dontAddPythonPath = true;
    installPhase = ''
      python3 -m zipfile -e $src unpacked
      mkdir -p $out/bin
      cp unpacked/*.data/scripts/uv* $out/bin/
      chmod +x $out/bin/*
    '';
    meta.mainProgram = "uv";
  };
  uvs = lib.filter (wheel: wheel.name == "uv") wheels.wheels;
  versions = lib.listToAttrs (map (wheel: lib.nameValuePair wheel.version (make wheel)) uvs);
in
{
  inherit versions;
  default = versions.${wheels.pinned.uv};
}
