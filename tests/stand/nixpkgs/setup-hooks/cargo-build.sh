# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' cargoBuildHook: buildPhase when the derivation has none.
cargoBuildHook() {
  runHook preBuild
  local flagsArray=("-j" "$NIX_BUILD_CORES" --offline --profile "${cargoBuildType:-release}")
  concatTo flagsArray cargoBuildFlags
  cargo build "${flagsArray[@]}"
  runHook postBuild
}
if [ -z "${dontCargoBuild-}" ] && [ -z "${buildPhase-}" ]; then buildPhase=cargoBuildHook; fi
