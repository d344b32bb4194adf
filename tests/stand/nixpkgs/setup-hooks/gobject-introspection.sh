# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' gobject-introspection: where the inputs' typelibs are.
addGIRPath() {
  addToSearchPath GI_TYPELIB_PATH "$1/lib/girepository-1.0"
  addToSearchPath XDG_DATA_DIRS "$1/share"
}
addEnvHooks "$targetOffset" addGIRPath
giDiscoverSelf() { addToSearchPath GI_TYPELIB_PATH "${!outputLib}/lib/girepository-1.0"; }
postFixupHooks+=(giDiscoverSelf)
