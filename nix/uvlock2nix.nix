# The command, from the Python package only: it is pure Python, so it is copied, not built.
{
  lib,
  python3,
  stdenv,
  # The folder of the package `uvlock2nix`.
  source,
  # The folders of the hooks and of this library, which the command passes to Nix.
  hooks,
  library,
  # Shell completions and the manual page; not needed where the command runs only inside builds.
  completions ? stdenv.buildPlatform.canExecute stdenv.hostPlatform,
}:

let
  version = lib.head (
    builtins.match ".*\n__version__ = \"([^\"]+)\"\n.*" (builtins.readFile (source + "/__init__.py"))
  );
in
python3.pkgs.buildPythonApplication {
  pname = "uvlock2nix";
  inherit version;
  format = "other";

  src = lib.fileset.toSource {
    root = source;
    fileset = lib.fileset.fileFilter (
      file: file.hasExt "py" || file.hasExt "json" || file.hasExt "gz" || file.name == "py.typed"
    ) source;
  };

  propagatedBuildInputs = with python3.pkgs; [
    click
    packaging
    pyelftools
    requests
    tomli
  ];

  # Needed only by `index update --channel`, so not in the closure of the hooks.
  passthru.optional-dependencies.channel = [ python3.pkgs.brotli ];

  dontBuild = true;

  installPhase = ''
    runHook preInstall
    site=$out/${python3.sitePackages}
    mkdir -p "$site/uvlock2nix/share" "$out/bin"
    cp -r . "$site/uvlock2nix"
    cp -r ${hooks} "$site/uvlock2nix/share/hooks"
    cp -r ${library} "$site/uvlock2nix/share/nix"
    {
      echo "#!${python3.interpreter}"
      echo "from uvlock2nix.__main__ import main"
      echo "main()"
    } > "$out/bin/uvlock2nix"
    chmod +x "$out/bin/uvlock2nix"
    ${lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
      # Its program is wrapped after this phase.
      export PYTHONPATH=$site''${PYTHONPATH:+:$PYTHONPATH}
      # It is started several times in each build, where bytecode cannot be kept: so the store has it, with the same bits
      # in every build, as in env.
      PYTHONDONTWRITEBYTECODE=1 ${python3.interpreter} -c '
      import sys
      from pathlib import Path
      from uvlock2nix.venv.bytecode import compile_bytecode
      compile_bytecode(Path(sys.argv[1]), Path(sys.executable), int(sys.argv[2]))
      ' "$site" "''${NIX_BUILD_CORES:-1}"
    ''}
    ${lib.optionalString completions ''
      share=$out/share
      mkdir -p "$share"/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d,man/man1}
      "$out/bin/uvlock2nix" completion bash > "$share/bash-completion/completions/uvlock2nix"
      "$out/bin/uvlock2nix" completion zsh > "$share/zsh/site-functions/_uvlock2nix"
      "$out/bin/uvlock2nix" completion fish > "$share/fish/vendor_completions.d/uvlock2nix.fish"
      "$out/bin/uvlock2nix" man > "$share/man/man1/uvlock2nix.1"
    ''}
    runHook postInstall
  '';

  meta = {
    description = "Turn a Python project's uv.lock into Nix that builds in the sandbox, stays right and runs";
    license = lib.licenses.mit;
    mainProgram = "uvlock2nix";
  };
}
