# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154
addPythonPath() { addToSearchPathWithCustomDelimiter : PYTHONPATH "$1/@sitePackages@"; }
toPythonPath() {
  local path result=
  for path in "$@"; do result+="${result:+:}$path/@sitePackages@"; done
  echo "$result"
}
if [ -z "${dontAddPythonPath:-}" ]; then
  # shellcheck disable=SC2154
  addEnvHooks "$hostOffset" addPythonPath
fi
export DETERMINISTIC_BUILD=1 PYTHONHASHSEED=0 PYTHONNOUSERSITE=1
