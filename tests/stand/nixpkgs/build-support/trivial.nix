# nixpkgs' trivial builders, see the manual's chapter of that name.
{ lib, stdenv, stdenvNoCC, shell, callPackage, writeText, cacert, python3 }:
let
  runCommandWith = { stdenv ? stdenvNoCC, name, runLocal ? false, derivationArgs ? { } }: buildCommand:
    stdenv.mkDerivation ({
      enableParallelBuilding = true;
      inherit buildCommand name;
      passAsFile = [ "buildCommand" ] ++ (derivationArgs.passAsFile or [ ]);
    } // lib.optionalAttrs (derivationArgs.__structuredAttrs or false) { passAsFile = [ ]; }
      // lib.optionalAttrs runLocal { preferLocalBuild = true; allowSubstitutes = false; }
      // removeAttrs derivationArgs [ "passAsFile" ]);
in
rec {
  inherit runCommandWith;
  runCommand = name: derivationArgs: runCommandWith { inherit name derivationArgs; };
  runCommandLocal = name: derivationArgs: runCommandWith { inherit name derivationArgs; runLocal = true; };
  runCommandCC = name: derivationArgs: runCommandWith { inherit name derivationArgs stdenv; };
  writeTextFile = { name, text, executable ? false, destination ? "", checkPhase ? "", meta ? { }, passthru ? { }, allowSubstitutes ? false, preferLocalBuild ? true, derivationArgs ? { }, ... }:
    runCommand name
      ({
        inherit text executable destination checkPhase meta passthru;
        passAsFile = [ "text" ];
      } // derivationArgs) ''
      target=$out$destination
      mkdir -p "$(dirname "$target")"
      if [ -e "''${textPath-}" ]; then cat "$textPath" > "$target"; else printf '%s' "$text" > "$target"; fi
      if [ -n "$executable" ]; then chmod +x "$target"; fi
      eval "$checkPhase"
    '';
  writeText = name: text: writeTextFile { inherit name text; };
  writeTextDir = path: text: writeTextFile { name = baseNameOf path; inherit text; destination = "/${path}"; };
  writeScript = name: text: writeTextFile { inherit name text; executable = true; };
  writeScriptBin = name: text: writeTextFile { inherit name text; executable = true; destination = "/bin/${name}"; meta.mainProgram = name; };
  writeShellScript = name: text: writeTextFile { inherit name; executable = true; text = "#!${shell}\n${text}\n"; };
  writeShellScriptBin = name: text: writeTextFile {
    inherit name; executable = true; destination = "/bin/${name}"; text = "#!${shell}\n${text}\n"; meta.mainProgram = name;
  };
  writeShellApplication = { name, text, runtimeInputs ? [ ], runtimeEnv ? null, meta ? { }, checkPhase ? null, ... }: writeTextFile {
    inherit name; executable = true; destination = "/bin/${name}"; meta = { mainProgram = name; } // meta;
    text = ''
      #!${shell}
      set -o errexit
      set -o nounset
      set -o pipefail
      ${lib.optionalString (runtimeEnv != null) (lib.toShellVars runtimeEnv)}
      ${lib.optionalString (runtimeInputs != [ ]) ''export PATH="${lib.makeBinPath runtimeInputs}:$PATH"''}
      ${text}
    '';
  };
  concatTextFile = { name, files, executable ? false, destination ? "" }: runCommand name { inherit files executable destination; } ''
    target=$out$destination; mkdir -p "$(dirname "$target")"; cat $files > "$target"; if [ -n "$executable" ]; then chmod +x "$target"; fi
  '';
  concatText = name: files: concatTextFile { inherit name files; };
  linkFarm = name: entries:
    let
      list = if builtins.isAttrs entries then lib.mapAttrsToList (name: path: { inherit name path; }) entries else entries;
    in
    runCommand name { passthru.entries = lib.listToAttrs (map (e: lib.nameValuePair e.name e.path) list); } ''
      mkdir -p $out
      cd $out
      ${lib.concatMapStrings (e: ''
        mkdir -p "$(dirname ${lib.escapeShellArg e.name})"
        ln -s ${lib.escapeShellArg "${e.path}"} ${lib.escapeShellArg e.name}
      '') list}
    '';
  linkFarmFromDrvs = name: drvs: linkFarm name (map (d: { inherit (d) name; path = d; }) drvs);
  onlyBin = drv: runCommand "${drv.name}-only-bin" { } ''mkdir -p $out; ln -s ${lib.getBin drv}/bin $out/bin'';
  # Later paths do not replace earlier ones; folders are merged.
  symlinkJoin = joined { };
  joined = { pathsToLink ? [ "/" ], collisions ? "first" }: { name ? "${args'.pname}-${args'.version}", paths, postBuild ? "", nativeBuildInputs ? [ ], buildInputs ? [ ], meta ? { }, passthru ? { }, ... }@args':
    runCommand name
      ({ inherit paths nativeBuildInputs buildInputs meta passthru; } // removeAttrs args' [ "name" "paths" "postBuild" ]) ''
      mkdir -p $out
      for path in $paths; do
        for target in "$path" $(cat "$path/nix-support/propagated-user-env-packages" 2>/dev/null || true); do
          (cd "$target"; find -L . -mindepth 1 -type d) | while read -r dir; do mkdir -p "$out/$dir"; done
          (cd "$target"; find -L . -mindepth 1 ! -type d; find . -type l ! -xtype d) | sort -u | while read -r file; do
            case ''${file#.} in ${lib.concatMapStringsSep " | " (one: "${lib.escapeShellArg (lib.removeSuffix "/" one)}/*") pathsToLink}) ;; *) continue ;; esac
            if [ ! -e "$out/$file" ] && [ ! -L "$out/$file" ]; then
              ln -s "$target/''${file#./}" "$out/$file"
            elif [ ${collisions} = refuse ] && ! cmp -s "$target/$file" "$out/$file"; then
              echo "error: two given paths contain a conflicting subpath: $target/$file and $(readlink "$out/$file")" >&2
              exit 1
            fi
          done
          ${lib.optionalString (pathsToLink != [ "/" ]) "find \"$out\" -mindepth 1 -type d -empty -delete"}
        done
      done
      ${postBuild}
    '';
  buildEnv = { name, paths, pathsToLink ? [ "/" ], postBuild ? "", ignoreCollisions ? false, ... }@args:
    joined { inherit pathsToLink; collisions = if ignoreCollisions then "first" else "refuse"; } ({ inherit name postBuild; paths = lib.filter (p: p != null) paths; }
      // removeAttrs args [ "pathsToLink" "ignoreCollisions" "name" "paths" "postBuild" "extraOutputsToInstall" ]);
  makeSetupHook =
    { name ? lib.warn "calling makeSetupHook without passing a name is deprecated." "hook", propagatedBuildInputs ? [ ], propagatedNativeBuildInputs ? [ ], depsTargetTargetPropagated ? [ ], meta ? { }, passthru ? { }, substitutions ? { } }: script:
    stdenvNoCC.mkDerivation (substitutions // {
      inherit name meta passthru propagatedBuildInputs propagatedNativeBuildInputs;
      __structuredAttrs = false;
      strictDeps = true;
      dontUnpack = true;
      dontConfigure = true;
      dontBuild = true;
      # As there: every @name@ of a variable of the derivation is replaced, not only what is in `substitutions`.
      installPhase = ''
        mkdir -p $out/nix-support
        cp ${script} $out/nix-support/setup-hook
        recordPropagatedDependencies
        ${lib.optionalString (substitutions != { }) "substituteAll ${script} $out/nix-support/setup-hook"}
      '';
      dontFixup = true;
    });
  makeWrapper = makeSetupHook { name = "make-wrapper-hook"; substitutions = { inherit shell; }; passthru.tests = { }; } ./make-wrapper.sh;
  makeShellWrapper = makeWrapper;
  makeBinaryWrapper = makeWrapper;
  mkShell = { name ? "nix-shell", packages ? [ ], inputsFrom ? [ ], buildInputs ? [ ], nativeBuildInputs ? [ ], propagatedBuildInputs ? [ ], propagatedNativeBuildInputs ? [ ], shellHook ? "", ... }@attrs:
    let
      rest = removeAttrs attrs [ "name" "packages" "inputsFrom" "buildInputs" "nativeBuildInputs" "propagatedBuildInputs" "propagatedNativeBuildInputs" "shellHook" ];
      from = field: attrs.${field} or [ ] ++ lib.subtractLists inputsFrom (lib.flatten (lib.catAttrs field inputsFrom));
    in
    stdenv.mkDerivation ({
      inherit name;
      buildInputs = from "buildInputs";
      nativeBuildInputs = packages ++ from "nativeBuildInputs";
      propagatedBuildInputs = from "propagatedBuildInputs";
      propagatedNativeBuildInputs = from "propagatedNativeBuildInputs";
      shellHook = lib.concatStringsSep "\n" (lib.catAttrs "shellHook" (lib.reverseList inputsFrom ++ [ attrs ]));
      phases = [ "buildPhase" ];
      buildPhase = ''{ echo "-- a shell --"; export; } >> "$out"'';
      preferLocalBuild = true;
    } // rest);
  mkShellNoCC = mkShell;

  fetchurl = { url ? "", urls ? [ ], name ? baseNameOf (builtins.head ([ url ] ++ urls)), hash ? "", sha256 ? "", sha512 ? "", outputHash ? "", outputHashAlgo ? null, executable ? false, netrcPhase ? null, netrcImpureEnvVars ? [ ], passthru ? { }, meta ? { }, ... }:
    let
      all = lib.filter (u: u != "") ([ url ] ++ urls);
      algo = if sha512 != "" then "sha512" else if sha256 != "" then "sha256" else outputHashAlgo;
      sum = lib.findFirst (h: h != "") lib.fakeHash [ hash sha256 sha512 outputHash ];
      # nixpkgs runs curl, with the file that the phase has written; Nix' own fetcher takes none.
      private = runCommand name ({
        inherit netrcPhase;
        urls = all;
        outputHash = sum;
        outputHashMode = if executable then "recursive" else "flat";
        preferLocalBuild = true;
        nativeBuildInputs = [ python3 ];
        impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ netrcImpureEnvVars;
      } // lib.optionalAttrs (algo != null) { outputHashAlgo = algo; }) ''
        eval "$netrcPhase"
        python3 ${./fetch_with_netrc.py} netrc "$out" $urls
      '';
      drv = if netrcPhase != null then private else derivation ({
        inherit name;
        inherit (stdenv) system;
        builder = "builtin:fetchurl";
        url = builtins.head all;
        urls = all;
        outputHash = sum;
        outputHashMode = if executable then "recursive" else "flat";
        inherit executable;
        unpack = false;
        preferLocalBuild = true;
        impureEnvVars = lib.fetchers.proxyImpureEnvVars;
      } // lib.optionalAttrs (algo != null) { outputHashAlgo = algo; });
    in
    drv // { inherit passthru meta; inherit name; url = builtins.head all; } // passthru;

  testers = {
    # A derivation that succeeds when `drv` fails; the log and the exit code are files in the result.
    testBuildFailure = drv: drv.overrideAttrs (old: {
      builder = "/bin/bash";
      realBuilder = "/bin/bash";
      args = [ "${./expect-failure.sh}" "/bin/bash" "-e" (old.builder or "${../stdenv/builder.sh}") ];
      outputs = lib.unique ((old.outputs or [ "out" ]));
      name = "${old.name or "${old.pname}-${old.version}"}-failed";
    });
    testBuildFailure' = { drv, name ? "test-failure", expectedBuilderExitCode ? 1, expectedBuilderLogEntries ? [ ], script ? "", ... }:
      runCommand name { failed = testers.testBuildFailure drv; } ''
        [ "$(cat $failed/testBuildFailure.exit)" = ${toString expectedBuilderExitCode} ]
        ${lib.concatMapStrings (e: "grep -F -- ${lib.escapeShellArg e} $failed/testBuildFailure.log\n") expectedBuilderLogEntries}
        ${script}
        touch $out
      '';
    # Same content, another name for each recipe: a changed fetcher is run again.
    invalidateFetcherByDrvHash = f: args:
      let
        once = f args;
        salt = builtins.substring 0 12 (baseNameOf (builtins.unsafeDiscardStringContext once.drvPath));
      in
      f (args // { name = "${once.name or "source"}-salted-${salt}"; });
    testEqualContents = { assertion, expected, actual, ... }: runCommand "equal-contents" { inherit assertion expected actual; } ''
      diff -r "$expected" "$actual" || { echo "contents must be equal, but were not: $assertion"; exit 1; }
      touch $out
    '';
  };
}
