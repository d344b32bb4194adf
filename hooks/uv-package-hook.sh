# shellcheck shell=bash
# Build the project's own packages offline and put them over an environment.
#
# Attributes:
#   uvPackageEnv          the environment below
#   uvPackageRequires     what builds the packages: the `build` output of the environment
#   uvPackageInterpreter  the Python that runs it (path of the program)
#   uvPackageMembers      NAME=PATH of each package, paths relative to the source (list)
#   dontUseUvPackage      leaves the phases alone

uvPackageInstallPhase() {
  echo "Executing uvPackageInstallPhase"
  runHook preInstall

  local -a members=()
  concatTo members uvPackageMembers
  local -a flags=()
  local member
  for member in "${members[@]}"; do
    flags+=("--member=$member")
  done

  # shellcheck disable=SC2154 # set by the derivation
  @uvlock2nix@ venv package \
    --env "$uvPackageEnv" \
    --requires "$uvPackageRequires" \
    --out "$out" \
    --work "$NIX_BUILD_TOP/uvlock2nix" \
    --interpreter "$uvPackageInterpreter" \
    --cores "${NIX_BUILD_CORES:-1}" \
    --uv "@uv@" \
    "${flags[@]}"

  runHook postInstall
  echo "Finished executing uvPackageInstallPhase"
}

if [ -z "${dontUseUvPackage-}" ]; then
  # shellcheck disable=SC2034 # read by stdenv
  if [ -z "${buildPhase-}" ]; then dontBuild=1; fi
  if [ -z "${installPhase-}" ]; then installPhase=uvPackageInstallPhase; fi
fi
