# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' wrapGAppsHook3: a phase before fixup collects what fixup wraps the programs with.
gappsWrapperArgs=()
gappsWrapperArgsHook() {
  if [ -n "${XDG_ICON_DIRS-}" ]; then gappsWrapperArgs+=(--prefix XDG_DATA_DIRS : "$XDG_ICON_DIRS"); fi
  if [ -d "$out/share" ]; then gappsWrapperArgs+=(--prefix XDG_DATA_DIRS : "$out/share"); fi
}
appendToVar preFixupPhases gappsWrapperArgsHook
wrapGAppsHook() {
  if [ -n "${dontWrapGApps-}" ] || [ ! -d "$prefix/bin" ]; then return 0; fi
  local file
  for file in "$prefix"/bin/*; do
    if [ -f "$file" ] && [ -x "$file" ] && [ ! -L "$file" ]; then wrapProgram "$file" "${gappsWrapperArgs[@]}"; fi
  done
}
fixupOutputHooks+=(wrapGAppsHook)
