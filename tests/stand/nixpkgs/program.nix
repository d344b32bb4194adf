# A program of a Debian package under nixpkgs' name: bin/x runs it with what it must be told (`before`, shell text), and
# `hook` is what its setup hook says to the builder.
{ runCommand, bash }:
{ pname, node, programs ? [ pname ], before ? "", hook ? "" }:
runCommand "${pname}-${node.version}"
  {
    inherit hook before;
    meta.mainProgram = builtins.head programs;
    passthru = { inherit pname; inherit (node) version; };
  }
  ''
    mkdir -p $out/bin
    for program in ${toString programs}; do
      if [ ! -x ${node.out}/bin/$program ]; then continue; fi
      printf '#!%s\n%s\nexec %s "$@"\n' ${bash}/bin/bash "$before" ${node.out}/bin/$program > $out/bin/$program
      chmod +x $out/bin/$program
    done
    if [ -n "$hook" ]; then
      mkdir -p $out/nix-support
      printf '%s\n' "$hook" > $out/nix-support/setup-hook
    fi
  ''
