# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' maturinBuildHook: buildPhase when the derivation has none.
maturinBuildHook() {
  runHook preBuild
  maturin build --jobs="$NIX_BUILD_CORES" --frozen --out dist --release
  runHook postBuild
}
if [ -z "${buildPhase-}" ]; then buildPhase=maturinBuildHook; fi
