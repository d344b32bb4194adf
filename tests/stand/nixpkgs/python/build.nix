# buildPythonPackage and buildPythonApplication.
{ lib, pkgs, python, self }:
let
  isPython = drv: drv ? pythonModule;
  modulesOf = drvs:
    let
      go = seen: todo:
        if todo == [ ] then seen
        else
          let first = lib.head todo; rest = lib.tail todo; in
          if !(lib.isDerivation first) || lib.any (d: d.outPath == first.outPath) seen then go seen rest
          else go (seen ++ [ first ]) (rest ++ lib.filter lib.isDerivation (first.requiredPythonModulesDirect or [ ]));
    in
    go [ ] drvs;
  # As in nixpkgs, the interpreter comes first.
  requiredPythonModules = drvs: [ python ] ++ modulesOf drvs;
  special = [
    "dependencies" "optional-dependencies" "build-system" "pyproject" "format" "disabled" "pythonImportsCheck" "makeWrapperArgs"
    "pythonRelaxDeps" "pythonRemoveDeps" "namePrefix" "permitUserSite" "catchConflicts" "pythonNamespaces"
  ];
  make = namePrefix: argsOrFn:
    let
      build = attrs:
        let
          format = attrs.format or (if attrs.pyproject or null == true then "pyproject" else if attrs.pyproject or null == false then "other" else "setuptools");
          dependencies = (attrs.dependencies or [ ]) ++ (attrs.propagatedBuildInputs or [ ]);
          name = if attrs ? name then attrs.name else "${namePrefix}${attrs.pname}-${attrs.version}";
          makesWheel = lib.elem format [ "pyproject" "setuptools" ];
        in
        removeAttrs attrs special // {
          inherit name;
          strictDeps = attrs.strictDeps or true;
          nativeBuildInputs = [ python pkgs.makeWrapper ] ++ (attrs.build-system or [ ])
            ++ lib.optional (format == "setuptools") self.setuptools ++ (attrs.nativeBuildInputs or [ ]);
          propagatedBuildInputs = dependencies ++ [ python ];
          doCheck = false;
          doInstallCheck = attrs.doCheck or true;
          nativeInstallCheckInputs = attrs.nativeCheckInputs or [ ];
          makeWrapperArgs = map toString (attrs.makeWrapperArgs or [ ]);
          pythonImportsCheck = attrs.pythonImportsCheck or [ ];
          passthru = {
            pythonModule = python;
            requiredPythonModulesDirect = dependencies;
            requiredPythonModules = requiredPythonModules dependencies;
            optional-dependencies = attrs.optional-dependencies or { };
            inherit dependencies;
            build-system = attrs.build-system or [ ];
          } // (attrs.passthru or { });
          meta = { platforms = python.meta.platforms; } // (attrs.meta or { });
          postFixup = lib.optionalString (!(attrs.dontWrapPythonPrograms or false)) ''
            wrapPythonPrograms
          '' + (attrs.postFixup or "");
          preBuild = ''
            ${builtins.readFile ./wrap.sh}
          '' + (attrs.preBuild or "");
          standPythonPath = lib.makeSearchPath python.sitePackages (modulesOf dependencies);
          installCheckPhase = attrs.installCheckPhase or ''
            runHook preInstallCheck
            runHook preCheck
            ${lib.optionalString (attrs ? checkPhase) attrs.checkPhase}
            for module in $pythonImportsCheck; do
              echo "Check whether the following modules can be imported: $module"
              (cd $out && PYTHONPATH="$out/${python.sitePackages}:$PYTHONPATH" ${python.interpreter} -c "import $module")
            done
            runHook postCheck
            runHook postInstallCheck
          '';
        } // lib.optionalAttrs (format == "wheel") {
          dontUnpack = true;
          dontBuild = false;
          buildPhase = ''
            runHook preBuild
            mkdir -p dist
            cp $src dist/$(stripHash $src)
            runHook postBuild
          '';
        } // lib.optionalAttrs makesWheel {
          buildPhase = attrs.buildPhase or ''
            runHook preBuild
            ${python.interpreter} ${./build_wheel.py} dist
            runHook postBuild
          '';
        } // lib.optionalAttrs (makesWheel || format == "wheel") {
          dontConfigure = attrs.dontConfigure or true;
          installPhase = attrs.installPhase or ''
            runHook preInstall
            for wheel in dist/*.whl; do ${python.interpreter} ${./install_wheel.py} $wheel $out ${python.sitePackages}; done
            runHook postInstall
          '';
        } // lib.optionalAttrs (format == "other") {
          prePhases = (attrs.prePhases or [ ]) ++ [ "definePythonWrap" ];
          definePythonWrap = builtins.readFile ./wrap.sh;
          preBuild = attrs.preBuild or "";
        };
    in
    pkgs.stdenv.mkDerivation (
      if builtins.isFunction argsOrFn then (final: build (argsOrFn final)) else build argsOrFn);
  overridable = f: args:
    let drv = f args; in
    drv // {
      override = _: drv;
      overridePythonAttrs = over: overridable f (args // (if builtins.isFunction over then over args else over));
    };
in
{
  inherit requiredPythonModules;
  buildPythonPackage = overridable (make "${python.libPrefix}-");
  buildPythonApplication = overridable (make "");
  toPythonModule = drv: drv // { pythonModule = python; };
  toPythonApplication = drv: drv;
  makePythonPath = drvs: lib.makeSearchPath python.sitePackages (modulesOf drvs);
  hasPythonModule = isPython;
  wrapPython = pkgs.makeSetupHook { name = "wrap-python-hook"; propagatedBuildInputs = [ pkgs.makeWrapper ]; } ./wrap.sh;
}
