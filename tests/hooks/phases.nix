# What tests/hooks/test_phases.py builds: a derivation of each hook that brings phases, among inputs with setup hooks that
# take phases over, in a source that every one of them would build (and fail).
{
  hook,
  structured ? false,
  strict ? false,
  last ? false,
  own ? false,
  keep ? false,
}:
let
  # The command, so far as hooks call it: it writes down what it was called with.
  tool =
    final:
    final.writeShellScriptBin "uvlock2nix" ''
      for place in "$out" "''${venv-}"; do
        if [ -n "$place" ]; then mkdir -p "$place"; printf '%s\n' "$*" >> "$place/called"; fi
      done
      env > "$out/environment"
    '';
  pkgs = import <nixpkgs> {
    overlays = [
      (import ../../nix/overlay.nix)
      (final: _: { uvlock2nix = tool final; })
    ];
  };
  inherit (pkgs) lib;
  # Debian's Qt is large, and only its hook is of interest.
  qt =
    name: if pkgs ? stand then pkgs.makeSetupHook { inherit name; } (../stand/nixpkgs/setup-hooks + "/${name}.sh") else pkgs.qt6.${name};
  theirs = [
    pkgs.cmake
    pkgs.meson
    pkgs.ninja
    pkgs.scons
    pkgs.wafHook
    pkgs.autoreconfHook
    pkgs.rustPlatform.cargoBuildHook
    pkgs.rustPlatform.cargoInstallHook
    (qt "qtbase")
    (qt "qmake")
    pkgs.pkg-config
  ]
  # What these register for stdenv's own phases runs in package: there it is the user who adds them.
  ++ lib.optionals (hook != "uvPackageHook") [
    pkgs.rustPlatform.cargoSetupHook
    pkgs.wrapGAppsHook3
  ];
  ours = [
    pkgs.${hook}
  ];
in
pkgs.stdenv.mkDerivation (
  {
    name = "phases";
    src = pkgs.runCommand "source" { } ''
      mkdir $out
      for name in configure waf; do
        printf '#!/bin/sh\necho "$0 was run" >&2\nexit 1\n' > $out/$name
        chmod +x $out/$name
      done
      printf 'all install:\n\t@echo "make was run"; exit 1\n' > $out/Makefile
      echo 'message(FATAL_ERROR "cmake was run")' > $out/CMakeLists.txt
      echo 'error("meson was run")' > $out/meson.build
      touch $out/configure.ac $out/build.ninja $out/SConstruct
    '';
    __structuredAttrs = structured;
    strictDeps = strict;
    nativeBuildInputs = if last then theirs ++ ours else ours ++ theirs;
    buildInputs = [
      pkgs.glib
      pkgs.zlib
    ];
    pythonDeps = "deps";
    uvEnvInterpreter = "python";
    uvPackageEnv = "env";
    uvPackageRequires = "requires";
    uvPackageInterpreter = "python";
    uvSyncInterpreter = "python";
    uvSyncPython = "3.13.1";
    uvSyncSystem = "x86_64-linux";
    cargoBuildFlags = [ "--nothing" ];
  }
  // lib.optionalAttrs (hook == "uvEnvHook") { dontUnpack = true; }
  # What the derivation says itself is run: phases, a phase more, and the text around them.
  // lib.optionalAttrs own {
    preConfigurePhases = [ "minePhase" ];
    minePhase = "echo mine >> $NIX_BUILD_TOP/order";
    configurePhase = "runHook preConfigure; echo configure >> $NIX_BUILD_TOP/order; runHook postConfigure";
    preInstall = "echo preInstall >> $NIX_BUILD_TOP/order";
    postInstall = "cp $NIX_BUILD_TOP/order $out/order";
  }
  // lib.optionalAttrs keep { uvKeepPhases = [ "glibPreFixupPhase" ]; }
)
