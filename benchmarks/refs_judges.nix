# What benchmarks/refs_judges.py builds: the stripped tree with the store paths of this package set, and what ldd,
# auditwheel's lddtree and Python say of it in the sandbox.
{
  # Store path of the stripped tree.
  stripped,
  # Store path of a folder from which Python imports auditwheel.
  auditwheel,
}:
let
  pkgs = import <nixpkgs> { overlays = [ (import ../nix/overlay.nix) ]; };
  inherit (pkgs) lib;
  names = builtins.fromJSON (builtins.readFile ./refs_judges.json);
  output = name: lib.attrByPath (lib.splitString "." name) (throw name) pkgs;
in
rec {
  referenceInputs = lib.mapAttrs (_: name: "${output name}") names;

  env = pkgs.stdenv.mkDerivation {
    name = "refs-env";
    __structuredAttrs = true;
    dontUnpack = true;
    dontInstall = true;
    dontFixup = true;
    nativeBuildInputs = [ pkgs.restoreReferencesHook ];
    referencesFrom = builtins.storePath stripped;
    inherit referenceInputs;
    referencesLibraryPath = [ "${pkgs.stdenv.cc.cc.lib}/lib" ];
  };

  said = pkgs.stdenv.mkDerivation {
    name = "refs-said";
    dontUnpack = true;
    nativeBuildInputs = [ pkgs.python3 ];
    tree = env;
    auditwheel = builtins.storePath auditwheel;
    lddtree = ./refs_lddtree.py;
    imports = ./refs_imports.py;
    installPhase = ''
      mkdir $out
      find $tree -type f \( -name '*.so*' -o -perm -100 \) | sort | while read -r file; do
        [ "$(head -c 4 "$file")" = $'\x7fELF' ] || continue
        echo "== $file"
        ldd "$file" || echo "ldd ended with $?"
      done > $out/ldd 2>&1
      PYTHONPATH=$auditwheel python3 -B $lddtree $tree > $out/lddtree
      python3 -I -B $imports $tree/lib/python*/site-packages 300 > $out/imports
    '';
  };
}
