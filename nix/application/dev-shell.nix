# The development shell: uv works in it as anywhere else, with Nix's interpreter and what packages of the lock need.
{
  pkgs,
  package,
  shellPackages,
}:
let
  inherit (pkgs) lib;
  inherit (package) python;
  inherit (package) deps env;

  # What builds get, without what makes deps and packages of it.
  ours = [
    "uv"
    "uv-sync-hook"
    "strip-references-hook"
    "uv-package-hook"
    (lib.getName python)
  ];
  tools = one: lib.filter (input: !(lib.elem (lib.getName input) ours)) (one.nativeBuildInputs or [ ]);

  # Opened by name: PACKAGE=FOLDER.
  opened = map (one: lib.last (lib.splitString "=" one)) (env.referencesDlopen or [ ]);
  libraries = lib.unique (deps.libraryPath or env.referencesLibraryPath or [ ] ++ opened);
in
pkgs.mkShell {
  packages = [
    # Before all others: uv takes the first interpreter that fits.
    python
    pkgs.uv
  ]
  ++ shellPackages;

  # What compiles the packages of the lock, and the project's own.
  nativeBuildInputs = tools deps ++ tools package;
  buildInputs = deps.buildInputs or [ ] ++ package.buildInputs or [ ];

  # Not UV_PYTHON: `uv pip` would then mean the interpreter in the store, not .venv.
  UV_PYTHON_DOWNLOADS = "never";
  UV_PYTHON_PREFERENCE = "only-system";

  shellHook = ''
    unset PYTHONPATH SOURCE_DATE_EPOCH
    ${lib.optionalString (libraries != [ ]) ''
      # Wheels look for these libraries in the system, which NixOS does not have in the usual place.
      export LD_LIBRARY_PATH=${lib.concatStringsSep ":" libraries}''${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    ''}
  '';
}
