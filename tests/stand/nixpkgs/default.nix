# A small nixpkgs: same attribute names, same calling conventions, libraries from Debian. See ../README.md.
{ system ? builtins.currentSystem, config ? { }, overlays ? [ ], crossSystem ? null, localSystem ? { inherit system; }, scripts ? null }:
let
  lib = import ./lib;
  place = /. + "stand";
  suite = builtins.fromJSON (builtins.readFile (place + "/suite.json"));
  lock = builtins.fromJSON (builtins.readFile (place + "/${suite.lock}"));
  wheels = builtins.fromJSON (builtins.readFile (place + "/wheels.json"));
  debian = import ./debian.nix { inherit lib system lock place; };
  tools = import ./tools.nix { inherit lib system; inherit (suite) base; };
  ccVersion = suite.versions.gcc;
  tool = name: args: tools.tool name ({ version = suite.versions.${args.debian or name} or "stand"; } // removeAttrs args [ "debian" ]);

  packages = final:
    let
      inherit (final) callPackage;
      shell = "${final.bash}/bin/bash";
      baseStdenv = defaults: import ./stdenv {
        inherit lib system config shell scripts;
        initialPath = tools.initialPath;
        defaultNativeBuildInputs = defaults;
        extraAttrs = {
          inherit shell;
          cc = if defaults == [ ] then throw "stdenvNoCC has no cc" else final.gcc;
          hasCC = defaults != [ ];
        };
      };
      trivial = import ./build-support/trivial.nix {
        inherit lib callPackage shell;
        inherit (final) stdenv stdenvNoCC writeText cacert python3;
      };
      pythons = lib.listToAttrs (map
        (minor: lib.nameValuePair "python${lib.replaceStrings [ "." ] [ "" ] minor}" (import ./python {
          inherit lib minor wheels place;
          pkgs = final;
          node = debian.nodes."python:${minor}";
          version = lock.nodes."python:${minor}".version;
        }))
        lock.pythons);
      default = "python${lib.replaceStrings [ "." ] [ "" ] (suite.python or (lib.head lock.pythons))}";
      uvs = import ./uv.nix { inherit lib wheels place; inherit (final) stdenvNoCC python3; };
    in
    debian.packages // pythons // removeAttrs trivial [ "callPackage" ] // {
      inherit lib config overlays system;
      inherit (final.stdenv) hostPlatform buildPlatform targetPlatform;
      pkgs = final;
      path = ./.;
      stand = { inherit suite debian wheels; };

      gcc = import ./cc { inherit system; inherit (suite) base; version = ccVersion; } // {
        isGNU = true;
        isClang = false;
        targetPrefix = "";
        libc = null;
        pname = "gcc-wrapper";
        version = ccVersion;
        bintools = final.binutils;
      };
      stdenv = baseStdenv [ final.gcc ];
      stdenvNoCC = baseStdenv [ ];
      clangStdenv = final.stdenv;

      callPackage = final.newScope { };
      callPackages = lib.callPackagesWith final;
      newScope = extra: lib.callPackageWith (final // extra);
      __splicedPackages = final;
      buildPackages = final;
      pkgsBuildHost = final;
      targetPackages = final;
      extend = overlay: import ./. { inherit system config scripts; overlays = overlays ++ [ overlay ]; };
      appendOverlays = more: import ./. { inherit system config scripts; overlays = overlays ++ more; };

      bash = tool "bash" { programs = [ "bash" "sh" ]; } // { shellPath = "/bin/bash"; };
      bashInteractive = final.bash;
      bashNonInteractive = final.bash;
      runtimeShell = shell;
      runtimeShellPackage = final.bash;
      coreutils = tool "coreutils" {
        programs = [
          "cat" "chmod" "chown" "cp" "cut" "date" "dd" "df" "dirname" "basename" "du" "echo" "env" "expr" "false" "head" "id" "install"
          "ln" "ls" "md5sum" "mkdir" "mkfifo" "mktemp" "mv" "nproc" "od" "paste" "printf" "pwd" "readlink" "realpath" "rm" "rmdir" "seq"
          "sha256sum" "sha512sum" "sleep" "sort" "split" "stat" "tail" "tee" "test" "timeout" "touch" "tr" "true" "truncate" "uname" "uniq" "wc"
          "comm" "join" "base64" "base32" "cksum" "tty" "who" "whoami" "yes" "sync" "shuf" "tac" "nl" "fold" "fmt" "link" "unlink" "numfmt"
        ];
      };
      gnutar = tool "gnutar" { debian = "tar"; programs = [ "tar" ]; };
      gnused = tool "gnused" { programs = [ "sed" ]; };
      gnugrep = tool "gnugrep" { programs = [ "grep" "egrep" "fgrep" ]; };
      gawk = tool "gawk" { programs = [ "gawk" "awk" ]; };
      gnumake = tool "gnumake" { debian = "make"; programs = [ "make" ]; };
      gnupatch = tool "gnupatch" { debian = "patch"; programs = [ "patch" ]; };
      findutils = tool "findutils" { programs = [ "find" "xargs" ]; };
      diffutils = tool "diffutils" { programs = [ "diff" "cmp" "diff3" "sdiff" ]; };
      gzip = tool "gzip" { programs = [ "gzip" "gunzip" "zcat" ]; };
      which = tool "which" { };
      binutils = tool "binutils" {
        programs = [ "ar" "as" "ld" "nm" "objcopy" "objdump" "ranlib" "readelf" "strip" "strings" "size" "addr2line" ];
      };
      binutils-unwrapped = final.binutils;
      bintools = final.binutils;
      patchelf = tool "patchelf" { };
      unzip = tool "unzip" {
        hook = ''
          unpackCmdHooks+=(_tryUnzip)
          _tryUnzip() {
            if ! [[ $curSrc =~ \.(zip|whl)$ ]]; then return 1; fi
            LANG=C.UTF-8 unzip -qq "$curSrc"
          }
        '';
      };
      git = callPackage ./git.nix { node = debian.nodes."tool:git"; };
      gitMinimal = final.git;
      cacert = callPackage ./cacert.nix { };
      glibc = { type = "derivation"; name = "glibc"; outPath = throw "glibc is the base system's: no store path in the stand"; meta = { }; };
      libc = final.glibc;

      python3 = final.${default};
      python = final.python3;
      python3Packages = final.python3.pkgs;
      pythonInterpreters = pythons;
      uv = uvs.default;
      formats = callPackage ./build-support/formats.nix { };
      dockerTools = callPackage ./build-support/docker-tools.nix { };
      uvVersions = uvs.versions;
    } // import ./programs.nix final { inherit lib; inherit (debian) nodes packages; }
    // lib.mapAttrs' (name: _: lib.nameValuePair "${name}Packages" final.${name}.pkgs) pythons
    // lib.optionalAttrs (debian.nodes ? libpq) {
      libpq = debian.nodes.libpq // { pg_config = callPackage ./pg_config.nix { }; };
      postgresql = final.libpq;
      libtool = debian.nodes.libtool // { lib = debian.nodes.libtool.out; };
      mariadb-connector-c = debian.nodes.libmysqlclient;
    };

  fixed = lib.fix (lib.foldl' (lib.flip lib.extends) (final: packages final) overlays);
in
if builtins.pathExists (place + "/suite.json") then fixed
else throw "the stand's package set works inside the stand only: run `tests/stand/setup`, then use tests/stand/enter"
