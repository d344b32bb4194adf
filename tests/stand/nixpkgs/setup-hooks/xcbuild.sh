# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' xcbuildHook: buildPhase always, whatever the derivation says.
xcbuildBuildPhase() {
  runHook preBuild
  xcodebuild
  runHook postBuild
}
buildPhase=xcbuildBuildPhase
