# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' ninja: buildPhase, checkPhase and installPhase when the derivation has none.
_standNinja() {
  local flagsArray=("-j$NIX_BUILD_CORES")
  concatTo flagsArray ninjaFlags ninjaFlagsArray "$@"
  echoCmd 'ninja flags' "${flagsArray[@]}"
  TERM=dumb ninja "${flagsArray[@]}"
}
ninjaBuildPhase() {
  runHook preBuild
  _standNinja
  runHook postBuild
}
ninjaCheckPhase() {
  runHook preCheck
  if [ -z "${checkTarget:-}" ] && ninja -t query test >/dev/null 2>&1; then checkTarget="test"; fi
  if [ -n "${checkTarget:-}" ]; then _standNinja checkTarget; fi
  runHook postCheck
}
ninjaInstallPhase() {
  runHook preInstall
  _standNinja installTargets=install
  runHook postInstall
}
if [ -z "${dontUseNinjaBuild-}" ] && [ -z "${buildPhase-}" ]; then buildPhase=ninjaBuildPhase; fi
if [ -z "${dontUseNinjaCheck-}" ] && [ -z "${checkPhase-}" ]; then checkPhase=ninjaCheckPhase; fi
if [ -z "${dontUseNinjaInstall-}" ] && [ -z "${installPhase-}" ]; then installPhase=ninjaInstallPhase; fi
