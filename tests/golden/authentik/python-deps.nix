# Written by uvlock2nix @version@ from uv.lock; `uvlock2nix generate` writes it again.
# authentik-like: its installed packages, without a reference to the store (a fixed-output derivation)
{
  lib,
  stdenv,
  cacert,
  git,
  krb5,
  libpq,
  libtool,
  libxml2,
  libxslt,
  openssl,
  pkg-config,
  python313,
  stripReferencesHook,
  uv,
  uvSyncHook,
  xmlsec,
  zlib,
  # Both are set by `uvlock2nix update-hash`, which evaluates before the hash is known.
  outputHash ? null,
  skipLockCheck ? false,
}:

let
  inherit (stdenv.hostPlatform) system;
  python = python313;
  pins = lib.importJSON ./python-deps.json;

  pin = pins.hashes.${system} or null;

  # All that the content depends on (locked files, selection, Python, build settings), by system.
  keys = {
    x86_64-linux = "6a2ff82c105941c05fbd2d1cee17ff95";
  };
  key =
    keys.${system}
      or (throw "authentik-like: nothing was generated for ${system}. Run: uvlock2nix update-hash --system ${system}");

  # Programs that builds from source run, with the packages that need them.
  nativeBuildInputs = [
    krb5 # gssapi
    libpq.pg_config # psycopg-c
    pkg-config # lxml, xmlsec
  ];

  # Libraries that builds from source link, with the packages that need them.
  buildInputs = [
    krb5 # gssapi
    libpq # psycopg-c
    libtool # xmlsec
    libxml2 # lxml, xmlsec
    libxslt # lxml, xmlsec
    openssl # xmlsec
    xmlsec # xmlsec
    zlib # lxml
  ];

  # Compiled code depends on its toolchain: a different compiler or library gives a different name.
  compilers = [
    stdenv
    python
  ]
  ++ nativeBuildInputs
  ++ buildInputs;
  toolchain = lib.substring 0 16 (
    builtins.hashString "sha256" (builtins.unsafeDiscardStringContext (toString compilers))
  );
  pinsKey = "${key}-${toolchain}";

  # The names of references that are stripped here and restored in the environment.
  referenceInputs = builtins.toJSON (
    stripReferencesHook.referenceInputs {
      inherit
        krb5
        libpq
        libtool
        libxml2
        libxslt
        openssl
        pkg-config
        python
        xmlsec
        zlib
        ;
      "libpq.pg_config" = libpq.pg_config;
      "stdenv.cc" = stdenv.cc;
      "stdenv.cc.cc" = stdenv.cc.cc;
    }
  );

  stale = !skipLockCheck && builtins.hashFile "sha256" ../uv.lock != pins.lock;
  madeWith = pin.nixpkgs.version or "of unknown version";
  # A hash belongs to one key: any change to what would be installed makes it invalid.
  hash =
    if stale then
      throw "authentik-like: uv.lock is not the lock that nix/python-deps.json was made for. Run: uvlock2nix update-hash"
    else if outputHash != null then
      outputHash
    else if pin != null && lib.hasPrefix key pin.key then
      lib.warnIf (pin.key != pinsKey)
        "authentik-like: the hash was made with nixpkgs ${madeWith}; packages compiled with ${lib.trivial.version} may differ. If the hash is wrong, run: uvlock2nix update-hash"
        pin.hash
    else
      throw "authentik-like: nix/python-deps.json has no hash for what would be installed on ${system}. Run: uvlock2nix update-hash";
in
stdenv.mkDerivation {
  name = "authentik-like-python-deps-${pinsKey}";

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../packages/authentik-like-client/pyproject.toml
      ../packages/authentik-like-tasks/pyproject.toml
      ../pyproject.toml
      ../uv.lock
    ];
  };

  strictDeps = true;
  nativeBuildInputs = [
    uvSyncHook
    stripReferencesHook
    python
    uv
    git # sources from git
  ]
  ++ nativeBuildInputs;
  inherit buildInputs referenceInputs;

  uvSyncInterpreter = python.pythonOnBuildForHost.interpreter;
  uvSyncPython = python.version;
  uvSyncSystem = system;
  uvSyncKey = key;
  uvSyncLibc = "glibc 2.40";

  # The build requirements of packages without a wheel, with their hashes.
  uvSyncBuildRequirements = builtins.toJSON pins.build;
  passAsFile = [ "uvSyncBuildRequirements" ];

  # The inputs of each build from source, which no other build gets.
  uvSyncNative = builtins.toJSON {
    gssapi = {
      inputs = map lib.getDev [ krb5 ];
      cflags = [ "-include gssapi/gssapi_ext.h" ];
      build_requires = [
        "setuptools"
        "cython"
        "wheel"
      ];
    };
    lxml = {
      inputs = map lib.getDev [
        libxml2
        libxslt
        pkg-config
        zlib
      ];
    };
    psycopg-c = {
      inputs = map lib.getDev [
        libpq
        libpq.pg_config
      ];
      build_requires = [
        "setuptools"
        "wheel"
      ];
      relax = [ "setuptools" ];
    };
    xmlsec = {
      inputs = map lib.getDev [
        libtool
        libxml2
        libxslt
        openssl
        pkg-config
        xmlsec
      ];
      build_requires = [
        "setuptools"
        "wheel"
        "setuptools-scm"
        "pkgconfig"
        "lxml"
      ];
      relax = [
        "lxml"
        "setuptools"
      ];
    };
  };

  # Nothing may change after the check for left references.
  dontFixup = true;

  SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
  # Credentials come from the builder's environment, never from the store.
  impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [
    "NIX_SSL_CERT_FILE"
    "NETRC"
  ];

  outputHashMode = "recursive";
  outputHashAlgo = "sha256";
  outputHash = hash;

  passthru = { inherit python uv pinsKey; };

  meta.platforms = [ "x86_64-linux" ];
}
