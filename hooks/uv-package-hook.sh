# shellcheck shell=bash
# Build the project's own packages offline and put them over an environment.
#
# The output `venv` gets everything: every program, bin/python, what `uv sync` would give. `out` gets what a user
# installs: links to the programs of uvPackageExpose. Without an output `venv`, `out` is that environment.
#
# Attributes:
#   uvPackageEnv          the environment below
#   uvPackageRequires     what builds the packages: the `build` output of the environment
#   uvPackageInterpreter  the Python that runs it (path of the program)
#   uvPackageMembers      NAME=PATH of each package, paths relative to the source (list)
#   uvPackageNative       JSON: what each of these builds needs, as uvSyncNative of uv-sync-hook (optional)
#   uvPackageExpose       names of the packages whose programs are in bin of `out` (list)
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

  if [ -n "${uvPackageNative-}" ]; then flags+=("--native=$uvPackageNative"); fi
  local environment="${venv:-$out}"
  if [ -n "${CC-}" ]; then flags+=("--compiler=$CC"); fi
  # What is compiled is in the environment: a search path into `out`, which links to it, would go in circles.
  local -a words=()
  read -r -d '' -a words <<<"${NIX_LDFLAGS-}" || true
  # shellcheck disable=SC2154
  if ((${#words[@]} > 0)); then export NIX_LDFLAGS="${words[*]//"$out"/"$environment"}"; fi

  # shellcheck disable=SC2154 # set by the derivation
  @uvlock2nix@ venv package \
    --env "$uvPackageEnv" \
    --requires "$uvPackageRequires" \
    --out "$environment" \
    --work "$NIX_BUILD_TOP/uvlock2nix" \
    --interpreter "$uvPackageInterpreter" \
    --cores "${NIX_BUILD_CORES:-1}" \
    --uv "@uv@" \
    "${flags[@]}"

  if [ "$environment" != "$out" ]; then
    local -a exposed=()
    concatTo exposed uvPackageExpose
    local name
    local -a packages=()
    for name in "${exposed[@]}"; do
      packages+=("--package=$name")
    done
    @uvlock2nix@ venv expose "$environment" "$out" "${packages[@]}"
  fi

  runHook postInstall
  echo "Finished executing uvPackageInstallPhase"
}

if [ -z "${dontUseUvPackage-}" ]; then
  # The hooks of cmake, meson and others set phases that are empty; here their programs are wanted, and no more.
  # shellcheck disable=SC2034 # read by stdenv
  if [ -z "${configurePhase-}" ]; then dontConfigure=1; fi
  # shellcheck disable=SC2034 # read by stdenv
  if [ -z "${buildPhase-}" ]; then dontBuild=1; fi
  if [ -z "${installPhase-}" ]; then installPhase=uvPackageInstallPhase; fi
fi
