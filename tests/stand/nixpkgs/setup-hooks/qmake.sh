# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' qmake: a first phase, and configurePhase when the derivation has none.
qmakePrePhase() { QMAKE=$(command -v qmake); }
appendToVar prePhases qmakePrePhase
qmakeConfigurePhase() {
  runHook preConfigure
  local flagsArray=()
  concatTo flagsArray qmakeFlags qmakeFlagsArray
  qmake "PREFIX=$out" "${flagsArray[@]}"
  runHook postConfigure
}
if [ -z "${dontUseQmakeConfigure-}" ] && [ -z "${configurePhase-}" ]; then configurePhase=qmakeConfigurePhase; fi
