{
  lib,
  runCommand,
  uvlock2nix,
}:

let
  # The plain output of a package, without the attributes added here.
  output =
    package: name: lib.findFirst (one: one.outputName == name) (throw "no output ${name}") package.all;

  modulesOf =
    package: extra:
    let
      inherit (package) python;
      foreign = lib.filter (
        one: one ? pythonModule && one.pythonModule.pythonVersion != python.pythonVersion
      ) extra;
      ofNixpkgs = lib.filter (one: one ? pythonModule) extra;
    in
    lib.throwIf (foreign != [ ])
      "${package.name}: ${lib.getName (lib.head foreign)} is for a different Python than ${python.pythonVersion}; take it from ${package.name}.python.pkgs"
      (
        # With their dependencies, which environments and packages of a lock already include.
        lib.optionals (ofNixpkgs != [ ]) (python.pkgs.requiredPythonModules ofNixpkgs)
        ++ lib.filter (one: !(one ? pythonModule)) extra
      );

  alone =
    package: product:
    package.overrideAttrs {
      name = "${package.name}-${product}";
      outputs = [ "out" ];
      uvPackageProduct = product;
      uvPackageLocal = null;
    };
in
/**
  The attributes of every package of a project besides its two outputs.

  # Inputs

  `package`
  : A package that `uvPackageHook` builds; `package.check` is its test command.

  # Type

  ```
  parts :: Derivation -> {
    venv :: Derivation;
    withPackages :: [ Derivation ] -> Derivation;
    wheel :: Derivation;
    sdist :: Derivation;
    sbom :: Derivation;
    tests :: { ${name} :: Derivation };
  }
  ```

  # Examples

  :::{.example}
  ## `parts` usage example

  ```nix
  (parts package).venv.override { extraPackages = [ package.python.pkgs.gunicorn ]; }
  => an environment that also has gunicorn
  ```
  :::
*/
package: {
  # The same package over a larger environment: with packages of nixpkgs' Python set, or environments and packages of
  # other locks.
  withPackages =
    extra:
    package.overrideAttrs (before: {
      uvPackageExtra = before.uvPackageExtra or [ ] ++ modulesOf package extra;
    });

  venv = output package "venv" // {
    override = { extraPackages }: (package.withPackages extraPackages).venv;
  };

  # The files to upload to an index.
  wheel = alone package "wheel";
  sdist = alone package "sdist";

  # The bill of materials with files, hashes and licences: CycloneDX.
  sbom =
    runCommand "${package.name}-sbom"
      {
        nativeBuildInputs = [ uvlock2nix ];
        venv = output package "venv";
        pythonEnv = package.env;
      }
      ''
        uvlock2nix venv sbom "$venv" --env "$pythonEnv" >"$out"
      '';

  tests = lib.optionalAttrs (package.check or [ ] != [ ]) {
    # In a copy of the source, as developers run them.
    ${lib.head package.check} =
      runCommand "${package.name}-${lib.strings.sanitizeDerivationName (lib.head package.check)}"
        {
          nativeBuildInputs = [ (output package "venv") ];
          inherit (package) src;
        }
        ''
          cp -r "$src" source
          chmod -R u+w source
          cd source
          export HOME=$TMPDIR
          ${lib.escapeShellArgs package.check}
          touch "$out"
        '';
  };
}
