# python.withPackages: a virtual environment over the interpreter with links to the packages' files.
{ lib, pkgs, python, extraLibs }:
let
  # Without the interpreter, which comes first.
  paths = lib.tail (python.pkgs.requiredPythonModules extraLibs);
  env = pkgs.runCommand "${lib.getName python}-${python.version}-env" { inherit paths; meta.mainProgram = python.executable; } ''
  site=$out/${python.sitePackages}
  mkdir -p $out/bin $site
  for name in python python3 ${python.executable}; do ln -s ${python.interpreter} $out/bin/$name; done
  printf 'home = %s\ninclude-system-site-packages = false\nversion = %s\n' ${python}/bin ${python.version} > $out/pyvenv.cfg
  for path in $paths; do
    if [ -d $path/${python.sitePackages} ]; then
      (cd $path/${python.sitePackages}; find . ! -type d) | while read -r file; do
        mkdir -p "$site/$(dirname "$file")"
        [ -e "$site/$file" ] || ln -s "$path/${python.sitePackages}/$file" "$site/$file"
      done
    fi
  done
  for path in $paths; do
    for program in $path/bin/*; do
      if [ -f "$program" ] && [ ! -e "$out/bin/''${program##*/}" ]; then
        if [ "$(head -c 2 "$program")" = '#!' ]; then
          sed "1s,^#!.*python.*,#!$out/bin/${python.executable}," "$program" > "$out/bin/''${program##*/}"
          chmod +x "$out/bin/''${program##*/}"
        else
          ln -s "$program" "$out/bin/"
        fi
      fi
    done
  done
  '';
in
env // {
  inherit python;
  inherit (python) sitePackages pythonVersion version executable libPrefix pkgs;
  interpreter = "${env}/bin/${python.executable}";
}
