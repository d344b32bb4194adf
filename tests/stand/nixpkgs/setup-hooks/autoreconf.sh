# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' autoreconfHook: one more phase, always. (The stand has no autoconf: where the phase runs, it fails.)
appendToVar preConfigurePhases autoreconfPhase
autoreconfPhase() {
  runHook preAutoreconf
  local flagsArray=()
  if [[ -v autoreconfFlags ]]; then
    concatTo flagsArray autoreconfFlags
  else
    flagsArray+=(--install --force --verbose)
  fi
  autoreconf "${flagsArray[@]}"
  runHook postAutoreconf
}
