# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' gettext: its catalogues' folder by environment hook.
gettextDataDirsHook() {
  if [ -d "$1/share/gettext" ]; then addToSearchPath GETTEXTDATADIRS "$1/share/gettext"; fi
}
addEnvHooks "$hostOffset" gettextDataDirsHook
