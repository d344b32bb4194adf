# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' qtbase: a first phase that ends the build unless something wraps the programs, and a last one.
if [ -n "${__nix_qtbase-}" ]; then
  if [ "$__nix_qtbase" != "@dev@" ]; then
    echo "Error: detected mismatched Qt dependencies: $__nix_qtbase and @dev@" >&2
    exit 1
  fi
else
  __nix_qtbase=@dev@
  export QMAKE=@dev@/bin/qmake QMAKEPATH=''
  qtPreHook() {
    if [[ -z ${__nix_wrapQtAppsHook-} && -z ${dontWrapQtApps-} ]]; then
      echo "Error: this derivation depends on qtbase, but no wrapping behavior was specified." >&2
      echo "  - If this is a graphical application, add wrapQtAppsHook to nativeBuildInputs" >&2
      echo "  - Otherwise, set dontWrapQtApps to true" >&2
      exit 1
    fi
  }
  appendToVar prePhases qtPreHook
  if [ -z "${dontPatchMkspecs-}" ]; then
    postPatchMkspecs() { mkdir -p "${!outputDev}"; }
    appendToVar postPhases postPatchMkspecs
  fi
fi
