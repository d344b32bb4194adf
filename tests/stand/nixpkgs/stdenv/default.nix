# `stdenv`: nixpkgs' mkDerivation for one system, over the sandbox's base system. `scripts`: nixpkgs' own shell code in the place of
# ours, { setup = path of setup.sh; hooks = the setup hooks that every derivation has; }.
{ lib, system, shell, initialPath, defaultNativeBuildInputs ? [ ], config ? { }, extraAttrs ? { }, scripts ? null }:
let
  ours = ''
    { echo "defaultNativeBuildInputs='$defaults'"; sed "s,/nix-stand-initial-path,$initialPath/bin,g; s,SHELL=/bin/bash CONFIG_SHELL=/bin/bash,SHELL=$shell CONFIG_SHELL=$shell," $setup; } > $out/setup
  '';
  theirs = ''
    { printf 'export SHELL=%s\ninitialPath="%s"\ndefaultNativeBuildInputs="%s"\ndefaultBuildInputs=""\n' "$shell" "$initialPath" "$defaults"; cat $setup; } > $out/setup
  '';
  setup = if scripts != null then scripts.setup else builtins.toFile "setup.sh" (builtins.replaceStrings
    [ "@shell@" "@initialPath@" "@storeDir@" "@fixups@" ]
    [ "/bin/bash" "/nix-stand-initial-path" builtins.storeDir (builtins.readFile ./fixups.sh) ]
    (builtins.readFile ./setup.sh));
  platform = import ../lib/platform.nix system;
  stdenvDir = derivation {
    name = "stdenv-stand";
    inherit system;
    builder = "/bin/bash";
    inherit setup initialPath shell;
    defaults = map (one: "${one}") ((if scripts != null then scripts.hooks else [ ]) ++ defaultNativeBuildInputs);
    args = [ "-c" ''
      PATH=/usr/bin; mkdir $out
      ${if scripts != null then theirs else ours}
    '' ];
  };

  # The compiler's wrapper takes them by name; the setup hook has the same list for who says nothing.
  hardening = [ "bindnow" "format" "fortify" "fortify3" "libcxxhardeningextensive" "libcxxhardeningfast" "pic" "relro" "stackclashprotection" "stackprotector" "strictoverflow" "zerocallusedregs" ];
  implied = { fortify = [ "fortify3" ]; libcxxhardeningfast = [ "libcxxhardeningextensive" ]; };
  hardeningOf = attrs:
    let
      off = lib.concatMap (flag: [ flag ] ++ implied.${flag} or [ ]) (attrs.hardeningDisable or [ ]);
      flags = if lib.elem "all" off then [ ] else lib.subtractLists off (lib.unique (hardening ++ attrs.hardeningEnable or [ ]));
    in
    lib.optionalAttrs (attrs ? hardeningDisable || attrs ? hardeningEnable) { NIX_HARDENING_ENABLE = toString flags; };

  # Evaluation-only attributes: never part of the derivation.
  evalOnly = [ "hardeningDisable" "hardeningEnable" "passthru" "meta" "pos" "env" "checkInputs" "installCheckInputs" "nativeCheckInputs" "nativeInstallCheckInputs" ];
  getDevs = list: map (x: if lib.isDerivation x then lib.getDev x else x) (lib.flatten (builtins.filter (x: x != null) list));

  makeDerivation = rattrs:
    let
      # finalAttrs is what overrideAttrs layers see; finalPackage the result.
      attrs = rattrs (attrs // { finalPackage = drv; inherit overrideAttrs; });
      overrideAttrs = over:
        makeDerivation (final:
          let
            prev = rattrs final;
            layer = if builtins.isFunction over then
                (let first = over prev; in if builtins.isFunction first then over final prev else first)
              else over;
          in prev // layer);
      structured = attrs.__structuredAttrs or config.structuredAttrsByDefault or false;
      doCheck = attrs.doCheck or false;
      doInstallCheck = attrs.doInstallCheck or false;
      name = attrs.name or "${attrs.pname}-${attrs.version}";
      outputs = attrs.outputs or [ "out" ];
      native = (attrs.nativeBuildInputs or [ ])
        ++ lib.optionals doCheck (attrs.nativeCheckInputs or [ ])
        ++ lib.optionals doInstallCheck (attrs.nativeInstallCheckInputs or [ ]);
      host = (attrs.buildInputs or [ ])
        ++ lib.optionals doCheck (attrs.checkInputs or [ ])
        ++ lib.optionals doInstallCheck (attrs.installCheckInputs or [ ]);
      env = attrs.env or { };
      badEnv = lib.filterAttrs (_: v: builtins.isList v || (builtins.isAttrs v && !lib.isDerivation v)) env;
      overlap = builtins.attrNames (builtins.intersectAttrs env (removeAttrs attrs evalOnly));
      args = removeAttrs attrs evalOnly // {
        inherit name system outputs doCheck doInstallCheck;
        builder = attrs.realBuilder or "/bin/bash";
        args = attrs.args or [ "-e" (attrs.builder or ./builder.sh) ];
        stdenv = stdenvDir;
        __ignoreNulls = true;
        nativeBuildInputs = getDevs native;
        buildInputs = getDevs host;
        propagatedNativeBuildInputs = getDevs (attrs.propagatedNativeBuildInputs or [ ]);
        propagatedBuildInputs = getDevs (attrs.propagatedBuildInputs or [ ]);
        strictDeps = attrs.strictDeps or config.strictDepsByDefault or false;
        patches = attrs.patches or [ ];
        userHook = config.stdenv.userHook or null;
      } // hardeningOf attrs // (if structured then { __structuredAttrs = true; inherit env; } else env);
      checked =
        if badEnv != { } then
          throw "The `env` attribute set can only contain derivations, string, boolean or integer attributes. The following are wrong: ${toString (builtins.attrNames badEnv)}"
        else if overlap != [ ] then
          throw "The `env` attribute set cannot contain any attributes passed to derivation. The following attributes are overlapping: ${toString overlap}"
        else removeAttrs args ([ "realBuilder" ] ++ lib.optional (!structured) "__structuredAttrs");
      # Unstructured derivations cannot carry attribute sets.
      passed = if structured then checked else lib.filterAttrs (_: v: !(builtins.isAttrs v) || v ? outPath || v ? __toString) checked;
      base = derivation passed;
      common = {
        meta = { available = true; broken = false; unfree = false; insecure = false; unsupported = false; platforms = lib.platforms.all; outputsToInstall = [ "out" ]; } // { inherit name; } // (attrs.meta or { });
        passthru = attrs.passthru or { };
        inherit system;
        inherit overrideAttrs;
      } // lib.optionalAttrs (attrs ? pname) { inherit (attrs) pname; }
        // lib.optionalAttrs (attrs ? version) { inherit (attrs) version; }
        // { inputDerivation = base; }
        // (attrs.passthru or { });
      outputSet = lib.genAttrs outputs (o: base.${o} // common // allOutputs // { outputSpecified = true; outputName = o; });
      allOutputs = lib.genAttrs outputs (o: outputSet.${o});
      # As with nixpkgs, what passthru says goes over an output of that name.
      drv = base // allOutputs // common // { all = map (o: outputSet.${o}) outputs; };
    in
    drv;

  stdenv = {
    type = "derivation";
    inherit (stdenvDir) outPath drvPath outputName name;
    inherit system shell lib initialPath config;
    hostPlatform = platform;
    buildPlatform = platform;
    targetPlatform = platform;
    isLinux = platform.isLinux;
    isDarwin = platform.isDarwin;
    is64bit = platform.is64bit;
    isx86_64 = platform.isx86_64;
    isAarch64 = platform.isAarch64;
    inherit defaultNativeBuildInputs;
    extraNativeBuildInputs = [ ];
    mkDerivation = fnOrAttrs:
      makeDerivation (if builtins.isFunction fnOrAttrs then fnOrAttrs else (_: fnOrAttrs));
    override = over: import ./. ({ inherit lib system shell initialPath defaultNativeBuildInputs config extraAttrs scripts; } // over);
    meta = { };
  } // extraAttrs;
in
stdenv
