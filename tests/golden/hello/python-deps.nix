# Written by uvlock2nix @version@ from uv.lock; `uvlock2nix generate` writes it again.
# hello-uv: its installed packages, without a reference to the store (a fixed-output derivation)
{
  lib,
  stdenv,
  cacert,
  python313,
  stripReferencesHook,
  uv,
  uvSyncHook,
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
    x86_64-linux = "90b3c1e4051a6fb4fd0f99f113ed6bf9";
  };
  key =
    keys.${system}
      or (throw "hello-uv: nothing was generated for ${system}. Run: uvlock2nix update-hash --system ${system}");

  # Programs that builds from source run, with the packages that need them.
  nativeBuildInputs = [ ];

  # Libraries that builds from source link, with the packages that need them.
  buildInputs = [ ];
  pinsKey = key;

  # The names of references that are stripped here and restored in the environment.
  referenceInputs = builtins.toJSON (stripReferencesHook.referenceInputs { inherit python; });

  stale = !skipLockCheck && builtins.hashFile "sha256" ../uv.lock != pins.lock;
  # A hash belongs to one key: any change to what would be installed makes it invalid.
  hash =
    if stale then
      throw "hello-uv: uv.lock is not the lock that nix/python-deps.json was made for. Run: uvlock2nix update-hash"
    else if outputHash != null then
      outputHash
    else if pin != null && lib.hasPrefix key pin.key then
      pin.hash
    else
      throw "hello-uv: nix/python-deps.json has no hash for what would be installed on ${system}. Run: uvlock2nix update-hash";
in
stdenv.mkDerivation {
  name = "hello-uv-python-deps-${pinsKey}";

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
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

  # Nothing may change after the check for left references.
  dontFixup = true;

  SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
  impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "NIX_SSL_CERT_FILE" ];

  outputHashMode = "recursive";
  outputHashAlgo = "sha256";
  outputHash = hash;

  passthru = { inherit python uv pinsKey; };

  meta.platforms = [ "x86_64-linux" ];
}
