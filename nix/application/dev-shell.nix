# The development shell: uv works as usual, with Nix's interpreter and the native inputs of the lock's packages.
{
  pkgs,
  package,
  shellPackages,
}:
let
  inherit (pkgs) lib;
  inherit (package) python;
  inherit (package) deps env;

  # The inputs of builds, without the hooks that make deps and packages.
  ours = [
    "uv"
    "uv-sync-hook"
    "strip-references-hook"
    "uv-package-hook"
    (lib.getName python)
  ];
  tools =
    one: lib.filter (input: !(lib.elem (lib.getName input) ours)) (one.nativeBuildInputs or [ ]);

  # Libraries opened by name: PACKAGE=FOLDER.
  opens = name: lib.any (lib.hasPrefix "${name}=") (env.referencesDlopen or [ ]);
  opened = map (one: lib.last (lib.splitString "=" one)) (env.referencesDlopen or [ ]);
  libraries = lib.unique (deps.libraryPath or env.referencesLibraryPath or [ ] ++ opened);
  # Where GObject libraries have their descriptions. In env a start-up file names these folders; .venv belongs to uv.
  typelibs = map (folder: "${folder}/girepository-1.0") (lib.unique opened);

  # The variables that single builds get. In the shell every program sees them, so what means something to all stays out.
  general = [
    "CMAKE_ARGS"
    "LC_ALL"
    "LD_LIBRARY_PATH"
    "XDG_RUNTIME_DIR"
  ];
  native =
    table:
    lib.mapAttrsToList (_: one: one.env or { }) (
      builtins.fromJSON (builtins.unsafeDiscardStringContext table)
    );
  # What they name is among the inputs of the shell.
  tables = lib.filter (table: table != null) [
    (deps.uvSyncNative or null)
    (package.uvSyncNative or null)
  ];
  variables = lib.foldl' (all: one: all // one) { } (
    lib.concatMap native tables ++ deps.nativeVariables or [ ]
  );
in
pkgs.mkShell {
  packages = [
    # Before all others, because uv uses the first interpreter that fits.
    python
    pkgs.uv
  ]
  ++ shellPackages;

  # The inputs for compiling the packages of the lock, and the project's own.
  nativeBuildInputs = tools deps ++ tools package;
  buildInputs = deps.buildInputs or [ ] ++ package.buildInputs or [ ];

  # Not UV_PYTHON: `uv pip` would then use the interpreter in the store instead of .venv.
  UV_PYTHON_DOWNLOADS = "never";
  UV_PYTHON_PREFERENCE = "only-system";

  # Nothing is installed into `$out`, which in a shell is a folder of the project: no RPATH names it.
  NIX_NO_SELF_RPATH = "1";

  shellHook = ''
    unset PYTHONPATH SOURCE_DATE_EPOCH
    ${lib.concatStrings (
      lib.mapAttrsToList (name: text: "export ${name}=${lib.escapeShellArg text}\n") (
        removeAttrs variables general
      )
    )}
    ${lib.optionalString (libraries != [ ]) ''
      # Wheels expect these libraries in the system's usual folders, which NixOS does not have.
      export LD_LIBRARY_PATH=${lib.concatStringsSep ":" libraries}''${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    ''}
    ${lib.optionalString (opens "pygobject") ''
      export GI_TYPELIB_PATH=''${GI_TYPELIB_PATH:+$GI_TYPELIB_PATH:}${lib.concatStringsSep ":" typelibs}
    ''}
  '';
}
