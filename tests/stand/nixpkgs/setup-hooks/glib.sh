# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' glib: where schemas and modules of the inputs are, and schemas moved by install and fixup.
make_glib_find_gsettings_schemas() {
  local folder
  for folder in "$1"/share/gsettings-schemas/*; do
    if [ -d "$folder/glib-2.0/schemas" ]; then addToSearchPath GSETTINGS_SCHEMAS_PATH "$folder"; fi
  done
}
addEnvHooks "$targetOffset" make_glib_find_gsettings_schemas
glibPreInstallPhase() { appendToVar makeFlags "gsettingsschemadir=${!outputLib}/share/gsettings-schemas/$name/glib-2.0/schemas/"; }
appendToVar preInstallPhases glibPreInstallPhase
glibPreFixupPhase() {
  if [ -d "$prefix/share/glib-2.0/schemas" ]; then
    mkdir -p "${!outputLib}/share/gsettings-schemas/$name/glib-2.0"
    mv "$prefix/share/glib-2.0/schemas" "${!outputLib}/share/gsettings-schemas/$name/glib-2.0/"
  fi
  addToSearchPath GSETTINGS_SCHEMAS_PATH "${!outputLib}/share/gsettings-schemas/$name"
}
appendToVar preFixupPhases glibPreFixupPhase
