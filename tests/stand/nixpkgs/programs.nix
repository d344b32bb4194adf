# Programs that builds ask for, from Debian packages and wheels, with setup hooks that behave as nixpkgs' do.
final: { lib, nodes, packages }:
let
  program = final.callPackage ./program.nix { };
  hook = name: builtins.readFile (./setup-hooks + "/${name}.sh");
  hookOf = name: propagated: final.makeSetupHook { inherit name; propagatedBuildInputs = propagated; } (./setup-hooks + "/${name}.sh");
  # A program that is a Python package: its launchers, and its hook.
  python = pname: drv: program {
    inherit pname;
    node = drv // { out = drv; };
    hook = hook pname;
  };
  qt = version: packages."qt${version}" or { } // {
    qmake = hookOf "qmake" [ ];
    wrapQtAppsHook = hookOf "wrap-qt" [ final.makeWrapper ];
    wrapQtAppsNoGuiHook = hookOf "wrap-qt" [ final.makeWrapper ];
  };
in
{
  pkg-config = final.callPackage ./pkg-config.nix { node = nodes."tool:pkgconf"; };
  cmake = program {
    pname = "cmake";
    node = nodes."tool:cmake";
    programs = [ "cmake" "ctest" "cpack" ];
    hook = hook "cmake";
    # nixpkgs' cmake is patched to know this variable.
    before = ''
      if [ -n "''${NIXPKGS_CMAKE_PREFIX_PATH-}" ]; then export CMAKE_PREFIX_PATH="''${CMAKE_PREFIX_PATH:+$CMAKE_PREFIX_PATH:}$NIXPKGS_CMAKE_PREFIX_PATH"; fi
    '';
  };
  cmakeMinimal = final.cmake;
  ninja = program { pname = "ninja"; node = nodes."tool:ninja"; hook = hook "ninja"; };
  openssh = program { pname = "openssh"; node = nodes."tool:openssh"; programs = [ "ssh" "ssh-keygen" ]; };
  meson = python "meson" final.python3.pkgs.meson;
  scons = python "scons" final.python3.pkgs.scons;
  swig = program {
    pname = "swig";
    node = nodes."tool:swig";
    # Compiled in is a folder below /usr/share.
    before = ''
      for swg in ${nodes."tool:swig".out}/share/swig*/{,*/}swig.swg; do
        if [ -e "$swg" ]; then export SWIG_LIB=''${swg%/*}; fi
      done
    '';
  };
  gettext = program {
    pname = "gettext";
    node = nodes."tool:gettext";
    programs = [ "gettext" "msgfmt" "msgmerge" "msginit" "xgettext" "msgcat" "msgconv" "ngettext" "envsubst" ];
    hook = hook "gettext";
  };
  m4 = program { pname = "m4"; node = nodes."tool:m4"; };
  bison = program {
    pname = "bison";
    node = nodes."tool:bison";
    programs = [ "bison" "yacc" ];
    before = "export BISON_PKGDATADIR=${nodes."tool:bison".out}/share/bison M4=\${M4:-${final.m4}/bin/m4}";
  };
  rustc = program {
    pname = "rustc";
    node = nodes."tool:rustc";
    programs = [ "rustc" "rustdoc" ];
    hook = hook "rustc";
  };
  cargo = program {
    pname = "cargo";
    node = nodes."tool:cargo";
    before = "export RUSTC=\${RUSTC:-${final.rustc}/bin/rustc}";
    hook = hook "rustc";
  };
  rustPlatform = import ./rust.nix { inherit lib final; crates = nodes."tool:crates".out; inherit hookOf; };

  # The programs that nixpkgs has in these sets, and the hooks that projects are to use.
  qt5 = qt "5";
  qt6 = qt "6";
  autoreconfHook = hookOf "autoreconf" [ ];
  wafHook = hookOf "waf" [ ];
  xcbuildHook = hookOf "xcbuild" [ ];
  npmHooks = {
    npmConfigHook = hookOf "npm-config" [ ];
    npmBuildHook = hookOf "npm-build" [ ];
    npmInstallHook = hookOf "npm-build" [ ];
  };
  wrapGAppsHook3 = hookOf "wrap-gapps" [ final.makeWrapper ];
  wrapGAppsHook4 = final.wrapGAppsHook3;
  wrapGAppsNoGuiHook = final.wrapGAppsHook3;
}
