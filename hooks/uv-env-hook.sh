# shellcheck shell=bash
# Make an environment of a deps: copy it to $out, and finish it after its references are restored.
#
# Attributes:
#   pythonDeps         the output of deps
#   uvEnvInterpreter   the Python that runs the environment (path of the program)
#   uvEnvPackages      packages of nixpkgs to link into it (list, optional)
#   uvEnvKeep          PATH=PACKAGE: whose file stays, where packages of nixpkgs and of deps have one (list, optional)
#   dontUseUvEnv       leaves the phases alone
# A second output `build`, where there is one, gets what builds the project's own packages.
# The hook stands behind restoreReferencesHook in nativeBuildInputs: it finishes what that one has restored.

uvEnvInstallPhase() {
  echo "Executing uvEnvInstallPhase"
  runHook preInstall
  # shellcheck disable=SC2154 # set by the derivation
  @uvlock2nix@ venv copy "$pythonDeps" "$out"
  runHook postInstall
  echo "Finished executing uvEnvInstallPhase"
}

uvEnvFinishPhase() {
  echo "Executing uvEnvFinishPhase"
  local -a flags=()
  # shellcheck disable=SC2154 # set by stdenv where the derivation has such an output
  if [ -n "${build-}" ]; then flags+=("--build-to=$build"); fi
  local -a packages=()
  concatTo packages uvEnvPackages
  local package
  for package in "${packages[@]}"; do
    flags+=("--package=$package")
  done
  local -a keep=()
  concatTo keep uvEnvKeep
  local one
  for one in "${keep[@]}"; do
    flags+=("--keep=$one")
  done
  # shellcheck disable=SC2154
  @uvlock2nix@ venv finish "$out" \
    --interpreter "$uvEnvInterpreter" \
    --cores "${NIX_BUILD_CORES:-1}" \
    "${flags[@]}"
  echo "Finished executing uvEnvFinishPhase"
}

# A hook is sourced once for each occurrence among the inputs.
if [ -z "${dontUseUvEnv-}" ] && [ -z "${_uvEnvHookIsThere-}" ]; then
  _uvEnvHookIsThere=1
  if [ -z "${installPhase-}" ]; then installPhase=uvEnvInstallPhase; fi
  appendToVar preFixupPhases uvEnvFinishPhase
fi
