# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' wrapQtAppsHook: programs in bin/ are wrapped by fixup.
if [[ -z ${__nix_wrapQtAppsHook-} ]]; then
  __nix_wrapQtAppsHook=1
  qtWrapperArgs=()
  wrapQtAppsHook() {
    if [ -n "${dontWrapQtApps-}" ] || [ ! -d "$prefix/bin" ]; then return 0; fi
    local file
    for file in "$prefix"/bin/*; do
      if isELF "$file"; then wrapProgram "$file" "${qtWrapperArgs[@]}"; fi
    done
  }
  fixupOutputHooks+=(wrapQtAppsHook)
fi
