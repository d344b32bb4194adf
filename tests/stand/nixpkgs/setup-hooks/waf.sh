# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' wafHook: configurePhase, buildPhase, checkPhase and installPhase when the derivation has none.
_standWaf() {
  local command=$1
  shift
  local flagsArray=()
  concatTo flagsArray wafFlags wafFlagsArray "$@"
  python3 "${wafPath:-./waf}" "$command" "${flagsArray[@]}"
}
wafConfigurePhase() {
  runHook preConfigure
  _standWaf configure wafConfigureFlags wafConfigureFlagsArray prefixFlag="--prefix=${prefix:-$out}"
  runHook postConfigure
}
wafBuildPhase() {
  runHook preBuild
  _standWaf build wafBuildFlags
  runHook postBuild
}
wafCheckPhase() {
  runHook preCheck
  _standWaf check wafCheckFlags
  runHook postCheck
}
wafInstallPhase() {
  runHook preInstall
  _standWaf install wafInstallFlags
  runHook postInstall
}
if [ -z "${dontUseWafConfigure-}" ] && [ -z "${configurePhase-}" ]; then
  setOutputFlags=
  configurePhase=wafConfigurePhase
fi
if [ -z "${dontUseWafBuild-}" ] && [ -z "${buildPhase-}" ]; then buildPhase=wafBuildPhase; fi
if [ -z "${dontUseWafCheck-}" ] && [ -z "${checkPhase-}" ]; then checkPhase=wafCheckPhase; fi
if [ -z "${dontUseWafInstall-}" ] && [ -z "${installPhase-}" ]; then installPhase=wafInstallPhase; fi
