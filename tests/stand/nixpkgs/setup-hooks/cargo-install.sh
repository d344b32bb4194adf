# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' cargoInstallHook: installPhase when the derivation has none, and a hook behind the build.
cargoInstallPostBuildHook() { releaseDir=target/${cargoBuildType:-release}; }
cargoInstallHook() {
  runHook preInstall
  mkdir -p "$out/bin" "$out/lib"
  find "$releaseDir" -maxdepth 1 -type f -executable ! -name '*.so' -exec cp {} "$out/bin/" \;
  runHook postInstall
}
if [ -z "${dontCargoInstall-}" ] && [ -z "${installPhase-}" ]; then
  installPhase=cargoInstallHook
  postBuildHooks+=(cargoInstallPostBuildHook)
fi
