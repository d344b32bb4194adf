# pkg-config that knows the build inputs only: no default folders, PKG_CONFIG_PATH by setup hook.
{ runCommand, node, bash }:
runCommand "pkg-config-wrapper-${node.version}" { passthru = { inherit (node) version; pname = "pkg-config-wrapper"; }; } ''
  mkdir -p $out/bin $out/nix-support
  for name in pkg-config pkgconf; do
    real=$(find -L ${node.out}/bin -name 'pkgconf' -o -name '*-pkgconf' -o -name pkg-config | sort | tail -n 1)
    cat > $out/bin/$name <<WRAPPER
  #!${bash}/bin/bash
  export PKG_CONFIG_LIBDIR= PKG_CONFIG_SYSTEM_INCLUDE_PATH=/usr/include PKG_CONFIG_SYSTEM_LIBRARY_PATH=/usr/lib
  exec $real "\$@"
  WRAPPER
    chmod +x $out/bin/$name
  done
  cat > $out/nix-support/setup-hook <<'HOOK'
  pkgConfigWrapper_addPkgConfigPath() {
    addToSearchPath PKG_CONFIG_PATH "$1/lib/pkgconfig"
    addToSearchPath PKG_CONFIG_PATH "$1/share/pkgconfig"
  }
  addEnvHooks "$targetOffset" pkgConfigWrapper_addPkgConfigPath
  export PKG_CONFIG=pkg-config
  HOOK
''
