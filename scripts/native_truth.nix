# One trial of scripts/native_truth.py: build one sdist with given inputs, import it, let the loader find its libraries,
# write `ok`. A fixed-output derivation, because it asks the package index; its content is known before: three bytes.
{ trial }:
let
  pkgs = import <nixpkgs> { };
  inherit (pkgs) lib;
  spec = builtins.fromJSON trial;
  get =
    path:
    builtins.foldl' (set: name: set.${name}) pkgs (builtins.filter builtins.isString (builtins.split "\\." path));
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
  environment = builtins.mapAttrs (_: pieces: builtins.concatStringsSep "" (map part pieces));
  python = pkgs.${spec.python};
  # What stdenv makes of the inputs of another package, which is compiled first (xmlsec's lxml): that package's own
  # inputs, none of which the trial may find.
  surroundings =
    inputs:
    pkgs.stdenv.mkDerivation (
      environment inputs.env
      // {
        name = "native-truth-surroundings";
        strictDeps = true;
        dontUnpack = true;
        dontFixup = true;
        buildInputs = map get inputs.buildInputs;
        nativeBuildInputs = [
          python
          pkgs.uv
        ]
        ++ map get inputs.nativeBuildInputs;
        installPhase = ''
          for name in PATH NIX_CFLAGS_COMPILE NIX_LDFLAGS PKG_CONFIG PKG_CONFIG_PATH ${toString (builtins.attrNames inputs.env)}; do
            if [ -n "''${!name-}" ]; then printf 'export %s=%q\n' "$name" "''${!name}"; fi
          done > $out
        '';
      }
    );
in
pkgs.stdenv.mkDerivation (
  environment spec.env
  // lib.optionalAttrs (spec.ldflags or "" != "") { LDFLAGS = spec.ldflags; }
  // {
    pname = "native-truth-${spec.label}";
    version = "1";
    # A program is found only where the table calls it one: deps does not ask for that, nixpkgs may by configuration.
    strictDeps = true;
    dontUnpack = true;
    dontConfigure = true;
    dontInstall = true;
    dontFixup = true;
    dontUseCmakeConfigure = true;
    dontUseMesonConfigure = true;
    dontUseNinjaBuild = true;
    buildInputs = map get spec.buildInputs;
    nativeBuildInputs = [
      python
      pkgs.uv
    ]
    ++ map get spec.nativeBuildInputs;
    UV_PYTHON_DOWNLOADS = "never";
    UV_NO_PROGRESS = "1";
    UV_LINK_MODE = "copy";
    UV_SYSTEM_CERTS = "1";
    SSL_CERT_FILE = "/etc/ssl/certs/ca-certificates.crt";
    # Quick: whether a header or a library is there does not depend on optimisation.
    CFLAGS = builtins.concatStringsSep " " ([ "-O0" "-g0" ] ++ spec.cflags);
    inherit (spec) requirement module;
    distribution = spec.name;
    first = map (one: "${one.requirement}=${surroundings one}") spec.first;
    # Without build isolation: a wheel of cmake, ninja or swig out of the index cannot stand in for the input.
    requires = builtins.concatStringsSep " " spec.requires;
    also = builtins.concatStringsSep " " spec.also;
    # Where env looks for libraries after the build's own search paths are gone.
    libraries = map (attr: "${attr}=${lib.getLib (get attr)}/lib") spec.buildInputs;
    run = "${python}/lib";
    # CMake takes the search path out again when it installs: the library is then where env looks.
    search = spec.search or false;
    inherit (spec) configuration;
    buildPhase = ''
      stage() { echo "native-truth: stage $1"; }
      stage prepare
      export HOME=$TMPDIR UV_CACHE_DIR=$TMPDIR/cache
      printf '%s' "$configuration" > uv.toml
      uv venv --quiet --python "$(command -v python3)" venv
      export VIRTUAL_ENV=$PWD/venv
      for one in $first; do
        ( source "''${one##*=}"; uv pip install --no-binary "''${one%%=*}" "''${one%=*}" )
      done
      if [ -n "$requires" ]; then
        uv pip install $requires
        PATH=$VIRTUAL_ENV/bin:$PATH
        isolation=--no-build-isolation-package=$distribution
      fi
      if [ -n "$also" ]; then uv pip install --config-file uv.toml $also; fi
      stage compile
      uv pip install --config-file uv.toml ''${isolation-} --no-binary "$distribution" "$requirement"
      stage import
      for name in $module; do echo "import $name"; done > import.py
      found=
      if [ -n "$search" ]; then for one in $libraries; do found+=''${found:+:}''${one#*=}; done; fi
      LD_LIBRARY_PATH=$found venv/bin/python import.py
      stage load
      ${./native_truth_load.sh}
      stage done
      echo ok > $out
    '';
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = "${spec.okHash}";
  }
)
