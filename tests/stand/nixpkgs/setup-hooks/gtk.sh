# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' gtk3 and gtk4: icon caches are dropped before fixup.
dropIconThemeCache() {
  if [ -n "${dontDropIconThemeCache-}" ] || [ ! -d "$out/share/icons" ]; then return 0; fi
  find "$out/share/icons" -name icon-theme.cache -delete
}
appendToVar preFixupPhases dropIconThemeCache
