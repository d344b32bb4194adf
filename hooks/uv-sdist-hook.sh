# shellcheck shell=bash
# Build the wheel of one source into the output `dist`, offline, with locked build requirements; uv-wheel-hook
# installs it. Patches are applied to the source.
#
# Attributes:
#   src                  the sdist, or a directory
#   uvSdistName          the package
#   uvSdistVersion       its version
#   uvSdistFile          the file's own name, which gives the archive format; "" for a directory
#   uvSdistSubdirectory  the package's folder in the source (optional)
#   uvSdistSystem        the system, such as x86_64-linux
#   uvSdistPython        the version of the interpreter
#   uvSdistRequires      NAME=PATH of the wheels of its build requirements, or of folders with one wheel (list)
#   uvSdistAsked         the same, for those that are installed only if the build backend asks for them (list)
#   uvSdistNative        JSON: env, cflags and flags of this build (optional)
#   uvWheelInterpreter   the Python to build with (path of the program)
#   uvKeepPhases         phases of inputs' setup hooks to keep (list, optional)
#   dontUseUvSdist       if set, do nothing
#   preUnpack, postUnpack, preBuild, postBuild: hooks

# shellcheck disable=SC2154 # the derivation sets what is read here
# shellcheck source=hooks/common.sh
source @common@

_uvlock2nixSdistUnpack() {
  # shellcheck disable=SC2034 # read by stdenv
  sourceRoot=$(@uvlock2nix@ sdist unpack "$src" "$NIX_BUILD_TOP/source" \
    --file "$uvSdistFile" --subdirectory "${uvSdistSubdirectory-}")
}

_uvlock2nixSdistBuild() {
  local -a flags=()
  _uvlock2nixOptions --given uvSdistRequires
  _uvlock2nixOptions --asked uvSdistAsked
  @uvlock2nix@ sdist build "$PWD" "$dist" \
    --name "$uvSdistName" \
    --version "$uvSdistVersion" \
    --system "$uvSdistSystem" \
    --python "$uvSdistPython" \
    --native "${uvSdistNative-}" \
    --interpreter "$uvWheelInterpreter" \
    --work "$NIX_BUILD_TOP/uvlock2nix" \
    --uv "@uv@" \
    "${flags[@]}"
}

uvSdistUnpackPhase() { _uvlock2nixRun uvSdistUnpackPhase Unpack _uvlock2nixSdistUnpack; }
uvSdistBuildPhase() { _uvlock2nixRun uvSdistBuildPhase Build _uvlock2nixSdistBuild; }

if [[ -z "${dontUseUvSdist-}" ]]; then
  _uvlock2nixOwnPhases phases
  _uvlock2nixSetPhase unpackPhase uvSdistUnpackPhase
  _uvlock2nixSkipPhase configurePhase
  _uvlock2nixSetPhase buildPhase uvSdistBuildPhase
fi
