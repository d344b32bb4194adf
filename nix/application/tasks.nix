# An app for each script in a folder: `nix run .#NAME`. A script runs in the current folder, with the programs of the
# environment in PATH.
{
  pkgs,
  tasks,
  app,
  venv,
}:
let
  inherit (pkgs) lib;
  isScript = name: kind: kind == "regular" && !(lib.hasPrefix "." name) && !(lib.hasPrefix "_" name);
  scripts = lib.filterAttrs isScript (builtins.readDir tasks);
  # `lint.py` and `lint.sh` are both the task `lint`.
  nameOf =
    file:
    let
      base = builtins.match "(.+)\\.(py|sh|bash)" file;
    in
    if base == null then file else lib.head base;
  folder =
    pkgs.runCommand "tasks"
      {
        nativeBuildInputs = [
          venv
          pkgs.bash
        ];
      }
      ''
        cp -r ${tasks} $out
        chmod -R u+w $out
        patchShebangs $out
      '';
  task =
    file: _kind:
    let
      name = nameOf file;
      # A file without a shebang is run by the interpreter for its suffix.
      run =
        if lib.hasSuffix ".py" file then
          "${venv}/bin/python"
        else if lib.hasSuffix ".sh" file || lib.hasSuffix ".bash" file then
          "${pkgs.bash}/bin/bash"
        else
          "";
    in
    lib.nameValuePair name (
      app "the task ${name}" "${pkgs.writeShellScript name ''
        export PATH=${venv}/bin''${PATH:+:$PATH}
        exec ${run} ${lib.escapeShellArg "${folder}/${file}"} "$@"
      ''}"
    );
in
if tasks == null then { } else lib.mapAttrs' task scripts
