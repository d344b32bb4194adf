# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' gdk-pixbuf: the loaders' cache of the inputs.
findGdkPixbufLoaders() {
  local loaders=$1/lib/gdk-pixbuf-2.0/2.10.0/loaders.cache
  if [ -f "$loaders" ]; then export GDK_PIXBUF_MODULE_FILE=$loaders; fi
}
addEnvHooks "$targetOffset" findGdkPixbufLoaders
