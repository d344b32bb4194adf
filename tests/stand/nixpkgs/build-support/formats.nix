# What nixpkgs has as `formats`: a type for settings and a function that writes them to a file.
{ lib, runCommand, python3 }:
let
  inherit (lib) types;
  atom = types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path ]);
  valueType = types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path (types.attrsOf valueType) (types.listOf valueType) ])
    // { name = "JSON value"; };
  write = format: name: value: runCommand name
    {
      passAsFile = [ "value" ];
      value = builtins.toJSON value;
    } ''
    ${python3.interpreter} ${./formats.py} ${format} "$valuePath" > $out
  '';
in
lib.genAttrs [ "json" "yaml" "toml" ] (format: _: { type = valueType; generate = write format; })
// { ini = _: { type = types.attrsOf (types.attrsOf atom); generate = write "ini"; }; }
