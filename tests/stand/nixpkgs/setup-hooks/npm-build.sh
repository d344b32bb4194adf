# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' npmBuildHook and npmInstallHook: buildPhase and installPhase when the derivation has none.
npmBuildHook() {
  runHook preBuild
  npm run "${npmBuildScript:-build}"
  runHook postBuild
}
npmInstallHook() {
  runHook preInstall
  mkdir -p "$out/lib/node_modules"
  cp -r . "$out/lib/node_modules/$name"
  runHook postInstall
}
if [ -z "${dontNpmBuild-}" ] && [ -z "${buildPhase-}" ]; then buildPhase=npmBuildHook; fi
if [ -z "${dontNpmInstall-}" ] && [ -z "${installPhase-}" ]; then installPhase=npmInstallHook; fi
