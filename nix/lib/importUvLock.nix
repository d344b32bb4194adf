{
  lib,
  stdenv,
  fetchurl,
  linkFarm,
  expat,
  zlib,
  uvWheelHook,
  uvSdistHook,
  uvRequiresHook,
  fetchArtifact ? import ./fetchArtifact.nix { inherit lib fetchurl; },
}:

/**
  The packages of a uv.lock, each in its own store path, from the python-deps.json that `uvlock2nix generate --mode files`
  writes: one fetch per file, with the hashes of the lock.

  # Inputs

  `pins`
  : The python-deps.json.

  `root`
  : The project's folder; local files of the lock are taken from there.

  `python`
  : The interpreter, with the minor version that the file was generated for.

  `lock`
  : The uv.lock that `pins` must have been made for; `null` skips the check.

  `native`
  : Package → the inputs of its build from source: `buildInputs`, `nativeBuildInputs`, `env`, `cflags`, `flags`.

  `libraries`
  : Package → packages, or folders, whose libraries its wheel links.

  `programs`
  : Package → packages whose programs run its scripts.

  `dlopen`
  : Package → folders from which it opens libraries by name.

  `patches`
  : Package → patches: of the source if it is built, else of the files that its wheel installs.

  `bytecode`
  : Whether to compile modules.

  `overrides`
  : `final: prev: { … }` over the packages, as with overlays.

  # Type

  ```
  importUvLock :: { pins :: Path; root :: Path; python :: Derivation; … } ->
    { packages :: { ${name} :: Derivation }; build :: Derivation; python :: Derivation; sitePackages :: String;
      buildsAlone :: Bool; system :: String; }
  ```

  # Examples

  :::{.example}
  ## `importUvLock` usage example

  ```nix
  let
    locked = importUvLock { pins = ./python-deps.json; root = ./.; python = python313; };
  in
  symlinkJoin { name = "env"; paths = lib.attrValues locked.packages; }
  ```
  :::
*/
{
  pins,
  root,
  python,
  lock ? null,
  native ? { },
  libraries ? { },
  programs ? { },
  dlopen ? { },
  patches ? { },
  overrides ? _final: _prev: { },
  bytecode ? true,
  # What manylinux wheels may expect from every system: libstdc++, libgcc_s, libexpat, libz.
  systemLibraries ? [
    stdenv.cc.cc
    expat
    zlib
  ],
  # What it was generated for, as `uvlock2nix check` and `update-hash` read it from the file.
  selection ? [ ],
  keys ? { },
  libc ? "",
  macos ? "",
}:

let
  inherit (stdenv.hostPlatform) system;
  data = lib.importJSON pins;
  run = "Run: uvlock2nix generate";
  stale = lock != null && builtins.hashFile "sha256" lock != data.lock;
  # Each package is finished by the Python that runs it.
  foreign = !(stdenv.buildPlatform.canExecute stdenv.hostPlatform);
  entries =
    if foreign then
      throw "${toString pins}: mode `files` cannot build for ${system} on ${stdenv.buildPlatform.system}. Build on a machine or remote builder with ${system}, or run: uvlock2nix generate --mode sync"
    else if stale then
      throw "${toString lock} is not the lock that ${toString pins} was made for. ${run}"
    else
      data.packages.${system}
        or (throw "${toString pins}: nothing was generated for ${system}. ${run} --system ${system}");
  fetch = fetchArtifact {
    inherit root;
    logins = data.logins or { };
  };
  build = data.build or { };
  builds = (build.packages or { }).${system} or { };
  nested = (build.sdists or { }).${system} or { };
  # One fetch for each build requirement, shared by all builds; those that exist only as sdists are built first.
  requirements = lib.mapAttrs (
    key: file:
    let
      fetched = fetch file;
    in
    if nested ? ${key} then
      "${key}=${(sdist file.name (file // { file = key; }) fetched nested.${key} { }).dist}"
    else
      "${lib.last (lib.splitString "/" (file.path or file.url))}=${fetched}"
  ) (build.files or { });
  required = map (key: requirements.${key});

  minor = python.pythonVersion;
  storeVersion = version: lib.replaceStrings [ "!" ] [ "-" ] version;
  # A folder is passed as a string if it is not the usual one.
  folders = map (library: if lib.isString library then library else "${lib.getLib library}/lib");
  isPure = entry: lib.hasSuffix "-any.whl" entry.file;

  # The manifest's entry for the file. It has no URL, so a different mirror rebuilds nothing.
  artifact = entry: {
    kind = entry.kind or "sdist";
    filename = entry.file or "";
    hash = entry.hash or null;
    origin =
      if entry ? git then
        {
          kind = "git";
          url = entry.git;
          commit = entry.rev;
        }
      else if entry ? path then
        {
          kind = "path";
          inherit (entry) path;
        }
      else
        { kind = "fetch"; };
    proof =
      if entry ? git then
        "commit"
      else if entry ? hash then
        "fetch"
      else
        "none";
  };

  common = name: entry: {
    pname = "python${minor}-${name}";
    version = storeVersion entry.version;
    uvWheelInterpreter = python.interpreter;
    uvWheelPython = minor;
    uvWheelArtifact = builtins.toJSON (artifact entry);
    patches = patches.${name} or [ ];
    dontCompileBytecode = !bytecode;
    dontFixup = true;

  };

  # A wheel with compiled code gets the libraries that it links; a pure wheel depends only on Python.
  wheel =
    name: entry: src:
    stdenv.mkDerivation (
      common name entry
      // {
        inherit src;
        nativeBuildInputs = [ uvWheelHook ];
        buildInputs = programs.${name} or [ ];
        uvWheelFile = entry.file;
        uvWheelLibraries = lib.optionals (!isPure entry) (
          folders (libraries.${name} or [ ] ++ systemLibraries)
        );
        uvWheelDlopen = dlopen.${name} or [ ];
        dontUnpack = true;
      }
    );

  sdist =
    name: entry: src: how: built:
    let
      native' = native.${name} or { };
    in
    stdenv.mkDerivation (
      common name entry
      // {
        inherit src;
        outputs = [
          "out"
          "dist"
        ];
        nativeBuildInputs = [
          uvSdistHook
          uvWheelHook
        ]
        ++ native'.nativeBuildInputs or [ ];
        buildInputs = native'.buildInputs or [ ] ++ programs.${name} or [ ];
        uvSdistName = name;
        uvSdistVersion = entry.version;
        uvSdistSystem = system;
        uvSdistPython = python.version;
        uvSdistFile = entry.file or "";
        uvSdistSubdirectory = entry.subdirectory or "";
        uvSdistRequires = required how.files ++ map (one: "${one}=${built.${one}.dist}") (how.built or [ ]);
        uvSdistAsked = required (how.asked or [ ]);
        uvSdistNative = builtins.toJSON (
          removeAttrs native' [
            "buildInputs"
            "nativeBuildInputs"
          ]
        );
        uvWheelLibraries = folders (
          libraries.${name} or [ ] ++ native'.buildInputs or [ ] ++ systemLibraries
        );
        uvWheelDlopen = dlopen.${name} or [ ];
        dontConfigure = true;
      }
    );

  package =
    final: name: entry:
    let
      src = fetch entry;
      how =
        builds.${name}
          or (throw "${toString pins}: the build requirements of ${name} are not locked. ${run}, on a machine with uv and network access");
    in
    if entry.kind == "wheel" then wheel name entry src else sdist name entry src how final;

  packages = lib.fix (lib.extends overrides (final: lib.mapAttrs (package final) entries));

  # The build requirements of each local package, in a folder each.
  locals = lib.filter (name: !(entries ? ${name})) (lib.attrNames builds);
  local =
    name:
    stdenv.mkDerivation {
      name = "python${minor}-${name}-build-requirements";
      nativeBuildInputs = [ uvRequiresHook ];
      uvWheelInterpreter = python.interpreter;
      uvSdistName = name;
      uvSdistSystem = system;
      uvSdistPython = python.version;
      uvSdistRequires = required builds.${name}.files ++ required (builds.${name}.asked or [ ]);
      dontUnpack = true;
      dontFixup = true;
    };

  # Whether the local packages are built without locked packages of the environment, and without each other.
  nameOf =
    requirement:
    lib.toLower (
      lib.replaceStrings [ "_" "." ] [ "-" "-" ] (
        lib.head (builtins.match "[[:space:]]*([A-Za-z0-9._-]*).*" requirement)
      )
    );
  buildsAlone = lib.all (
    name:
    (builds.${name}.built or [ ]) == [ ]
    && !(lib.any (one: lib.elem (nameOf one) locals) (builds.${name}.requires or [ ]))
  ) locals;

  # For a development shell: the inputs of builds, and the folders of libraries for wheels.
  given = part: lib.unique (lib.concatMap (one: one.${part} or [ ]) (lib.attrValues native));
  libraryPath = lib.unique (
    folders (lib.concatLists (lib.attrValues libraries) ++ systemLibraries)
    ++ lib.concatLists (lib.attrValues dlopen)
  );
in
{
  inherit
    packages
    buildsAlone
    system
    python
    libraryPath
    keys
    selection
    libc
    macos
    ;
  inherit (python) sitePackages;
  buildInputs = given "buildInputs";
  nativeBuildInputs = given "nativeBuildInputs";
  nativeVariables = map (one: one.env or { }) (lib.attrValues native);
  build = linkFarm "build-requirements" (
    map (name: {
      inherit name;
      path = local name;
    }) locals
  );
}
