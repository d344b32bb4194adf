# shellcheck shell=bash
# Install the locked build requirements of one local package into $out, in the form for uv-package-hook.
#
# Attributes: uvSdistName, uvSdistSystem, uvSdistPython, uvSdistRequires and uvWheelInterpreter, as for
# uv-sdist-hook.
#   dontUseUvRequires  if set, do nothing
#   preInstall, postInstall: hooks

# shellcheck disable=SC2154 # the derivation sets what is read here
# shellcheck source=hooks/common.sh
source @common@

_uvlock2nixRequiresInstall() {
  local -a flags=()
  _uvlock2nixOptions --given uvSdistRequires
  @uvlock2nix@ sdist requires "$out" \
    --name "$uvSdistName" \
    --system "$uvSdistSystem" \
    --python "$uvSdistPython" \
    --interpreter "$uvWheelInterpreter" \
    --work "$NIX_BUILD_TOP/uvlock2nix" \
    --uv "@uv@" \
    --cores "${NIX_BUILD_CORES:-1}" \
    "${flags[@]}"
}

uvRequiresInstallPhase() { _uvlock2nixRun uvRequiresInstallPhase Install _uvlock2nixRequiresInstall; }

if [[ -z "${dontUseUvRequires-}" ]]; then
  _uvlock2nixOwnPhases phases
  _uvlock2nixSkipPhase configurePhase
  _uvlock2nixSkipPhase buildPhase
  _uvlock2nixSetPhase installPhase uvRequiresInstallPhase
fi
