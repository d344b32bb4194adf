{
  lib,
  runCommand,
  uvlock2nix,
}:

let
  # The output of a package itself, without what is put over it here.
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
      "${package.name}: ${lib.getName (lib.head foreign)} is for another Python than ${python.pythonVersion}; take it from ${package.name}.python.pkgs"
      (
        # With what they require; an environment or package of a lock brings that along.
        lib.optionals (ofNixpkgs != [ ]) (python.pkgs.requiredPythonModules ofNixpkgs)
        ++ lib.filter (one: !(one ? pythonModule)) extra
      );

  alone =
    package: product:
    package.overrideAttrs {
      name = "${package.name}-${product}";
      outputs = [ "out" ];
      uvPackageProduct = product;
    };
in
/**
  What every package of a project has besides its two outputs.

  # Inputs

  `package`
  : A package that `uvPackageHook` builds; `package.check` is the command of its tests.

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
  => an environment that has gunicorn, too
  ```
  :::
*/
package: {
  # The same package over an environment that has more: packages of nixpkgs' Python set, or environments and packages
  # that were made of a lock.
  withPackages =
    extra:
    package.overrideAttrs (before: {
      uvPackageExtra = before.uvPackageExtra or [ ] ++ modulesOf package extra;
    });

  venv = output package "venv" // {
    override = { extraPackages }: (package.withPackages extraPackages).venv;
  };

  # The files that one uploads to an index.
  wheel = alone package "wheel";
  sdist = alone package "sdist";

  # What it consists of, with files, hashes and licences: CycloneDX.
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
    # In a copy of the source, as the developers run them.
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
