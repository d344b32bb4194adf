# What tests/hooks/test_refs_hooks.py builds: an extension module that links libxml2 and mentions it in texts,
# stripped in a fixed-output derivation, restored in an ordinary one.
{
  hash ? "",
  structured ? true,
  strip ? true,
  twice ? false,
  link ? false,
  guard ? false,
  broken ? false,
  inputs ? "attrs",
  salt ? "",
}:
let
  pkgs = import <nixpkgs> { overlays = [ (import ../../nix/overlay.nix) ]; };
  inherit (pkgs) lib;
  named = {
    libxml2 = pkgs.libxml2.out or pkgs.libxml2;
    python = pkgs.python3;
  };
  # The three ways in which a derivation can say its inputs.
  referenceInputs =
    if inputs == "json" then
      builtins.toJSON (lib.mapAttrs (_: input: "${input}") named)
    else if inputs == "list" then
      lib.mapAttrsToList (attr: input: "${attr}=${input}") named
    else
      lib.mapAttrs (_: input: "${input}") named;
  # Only a reference to another path: with $out in it the hash would be another one with every hash.
  plain = "mkdir $out; echo ${named.libxml2} > $out/text";
  hooks = hook: [ hook ] ++ lib.optional twice hook;
in
rec {
  deps = pkgs.stdenv.mkDerivation (
    {
      name = "demo-deps-1${salt}";
      dontUnpack = true;
      __structuredAttrs = structured;
      nativeBuildInputs = lib.optionals strip (hooks pkgs.stripReferencesHook);
      buildInputs = [
        pkgs.libxml2
        pkgs.python3
      ];
      inherit referenceInputs;
      buildPhase = ''
        cat > probe.c <<'SOURCE'
        #include <Python.h>
        extern void xmlInitParser(void);
        static PyObject *version(PyObject *self, PyObject *none) {
          xmlInitParser();
          return PyUnicode_FromString(WHERE);
        }
        static PyMethodDef methods[] = {{"where", version, METH_NOARGS, ""}, {0}};
        static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "probe", 0, -1, methods};
        PyMODINIT_FUNC PyInit_probe(void) { return PyModule_Create(&module); }
        SOURCE
        headers=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')
        $CC -shared -fPIC -s -Wl,--build-id=none -I$headers \
          -DWHERE='"${named.libxml2}/etc/xml/catalog"' probe.c -o probe.so -lxml2
      '';
      installPhase = if guard || !strip then plain else ''
        runHook preInstall
        site=$out/${pkgs.python3.sitePackages}
        mkdir -p $site $out/bin
        cp probe.so $site/
        echo "catalog = '${named.libxml2}/share'; own = '$out'" > $site/where.py
        ln -s ${named.libxml2}/lib $site/link
        echo same > $site/same.txt
        printf '#!/usr/bin/env python3\nprint(1)\n' > $out/bin/tool
        chmod +x $out/bin/tool
        ${lib.optionalString broken "head -c 900 probe.so > $site/broken.so; echo ${named.libxml2} >> $site/broken.so"}
        runHook postInstall
      '';
      outputHashMode = "recursive";
      outputHashAlgo = "sha256";
      outputHash = hash;
    }
    // lib.optionalAttrs guard { dontStripReferences = true; }
  );

  env = pkgs.stdenv.mkDerivation (
    {
      name = "demo-env-1";
      dontUnpack = true;
      __structuredAttrs = structured;
      nativeBuildInputs = hooks pkgs.restoreReferencesHook;
      buildInputs = [ pkgs.python3 ];
      inherit referenceInputs;
      referencesLibraryPath = [ "${named.libxml2}/lib" ];
      postFixup = ''
        PYTHONPATH=$out/${pkgs.python3.sitePackages} python3 -c '
        import probe, where
        print(probe.where())
        print(where.catalog, where.own)
        ' > said
        cat said
        mkdir -p $out/share
        cp said $out/share/said
      '';
    }
    // (
      if guard then
        { dontRestoreReferences = true; installPhase = "mkdir $out"; postFixup = ""; }
      else if link then
        { referencesFrom = deps; referencesLink = true; dontInstall = true; }
      else
        { installPhase = "cp -r --no-preserve=mode ${deps} $out; chmod +x $out/bin/tool"; }
    )
  );
}
