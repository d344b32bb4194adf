# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' scons: buildPhase, checkPhase and installPhase when the derivation has none.
sconsBuildPhase() {
  runHook preBuild
  mkdir -p "${prefix:-$out}"
  local flagsArray=()
  if [ -z "${dontAddPrefix-}" ]; then flagsArray+=("${prefixKey:-prefix=}${prefix:-$out}"); fi
  concatTo flagsArray sconsFlags sconsFlagsArray buildFlags buildFlagsArray
  scons "${flagsArray[@]}"
  runHook postBuild
}
sconsCheckPhase() {
  runHook preCheck
  if [ -z "${checkTarget:-}" ] && scons -n check >/dev/null 2>&1; then checkTarget=check; fi
  if [ -n "${checkTarget:-}" ]; then scons "$checkTarget"; fi
  runHook postCheck
}
sconsInstallPhase() {
  runHook preInstall
  local flagsArray=()
  if [ -z "${dontAddPrefix-}" ]; then flagsArray+=("${prefixKey:-prefix=}${prefix:-$out}"); fi
  concatTo flagsArray sconsFlags sconsFlagsArray installFlags installFlagsArray installTargets=install
  scons "${flagsArray[@]}"
  runHook postInstall
}
if [ -z "${dontUseSconsBuild-}" ] && [ -z "${buildPhase-}" ]; then buildPhase=sconsBuildPhase; fi
if [ -z "${dontUseSconsCheck-}" ] && [ -z "${checkPhase-}" ]; then checkPhase=sconsCheckPhase; fi
if [ -z "${dontUseSconsInstall-}" ] && [ -z "${installPhase-}" ]; then installPhase=sconsInstallPhase; fi
