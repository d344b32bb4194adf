# shellcheck shell=bash
# Install the packages of a uv.lock into $out, reproducibly.
#
# For a fixed-output derivation whose source has uv.lock and the pyproject.toml files. Attributes:
#   uvSyncProject       a lock other than uv.lock: a script's, or a pylock.toml (optional)
#   uvSyncFlags         uv's selection flags, such as --extra=NAME (list)
#   uvSyncInterpreter   the Python to install for (path of the program)
#   uvSyncPython        its version
#   uvSyncSystem        the system, such as x86_64-linux
#   uvSyncLibc          the C library's baseline, such as glibc-2.40 (optional)
#   uvSyncMacos         the oldest macOS, such as 14.0 (optional)
#   uvSyncExcludeNewer  build requirements published later are ignored, RFC 3339 (optional)
#   uvSyncBuildRequirements  JSON: the locked build requirements, `build` of the pins; with passAsFile (optional)
#   uvSyncNoBinary      packages to build even if a wheel fits (list, optional)
#   uvSyncExclude       packages that come from elsewhere (list, optional)
#   uvSyncNative        JSON: the native inputs of each build from source (optional)
#   referenceInputs     attribute -> store path: the names of libraries that compiled files need (as for
#                       strip-references-hook; optional)
#   uvSyncCollisions    JSON: path -> the package whose file is kept (optional)
#   uvSyncKey           the key that the environment must have, from `uvlock2nix generate` (optional)
#   dontUseUvSync       if set, do nothing
#   preBuild, postBuild, preInstall, postInstall: hooks

# shellcheck disable=SC2154 # the derivation sets what is read here
# shellcheck source=hooks/common.sh
source @common@

# Whether the next thing that happens to $out is that strip-references-hook strips it, as it usually does.
_uvlock2nixSyncAlone() {
  local name
  local -a phases=()
  declare -F _uvlock2nixStripTree >/dev/null || return 1
  for name in preInstallPhases preFixupPhases preDistPhases; do
    mapfile -d '' -t phases < <(_uvlock2nixWords "$name")
    ((${#phases[@]} == 0)) || return 1
  done
  mapfile -d '' -t phases < <(_uvlock2nixWords postPhases)
  [[ "${phases[*]}" == stripReferencesPhase && "${installPhase-}" == uvSyncInstallPhase && -n "${dontFixup-}" ]] || return 1
  [[ -z "${dontStripReferences-}${doCheck-}${doInstallCheck-}${doDist-}${referencesTree-}${referencesClosure-}" ]] || return 1
  mapfile -d '' -t phases < <(_uvlock2nixWords stripReferencesFlags)
  ((${#phases[@]} == 0)) || return 1
  [[ "$(_uvlock2nixOutputs)" == out ]] || return 1
  _uvlock2nixNoHooks postBuild preInstall postInstall preStripReferences
}

_uvlock2nixSync() {
  local -a flags=()
  mapfile -d '' -t flags < <(_uvlock2nixWords uvSyncFlags)
  _uvlock2nixOptions --exclude uvSyncExclude
  _uvlock2nixOptions --no-binary-package uvSyncNoBinary
  _uvlock2nixOption --libc "${uvSyncLibc-}"
  _uvlock2nixOption --macos "${uvSyncMacos-}"
  _uvlock2nixOption --exclude-newer "${uvSyncExcludeNewer-}"
  if [[ -n "${uvSyncBuildRequirements-}" ]]; then
    uvSyncBuildRequirementsPath=$NIX_BUILD_TOP/build-requirements.json
    printf '%s' "$uvSyncBuildRequirements" >"$uvSyncBuildRequirementsPath"
  fi
  _uvlock2nixOption --build-requirements "${uvSyncBuildRequirementsPath-}"
  _uvlock2nixOption --native "${uvSyncNative-}"
  _uvlock2nixOption --collisions "${uvSyncCollisions-}"
  _uvlock2nixOption --key "${uvSyncKey-}"
  _uvlock2nixInputs

  # The daemon's certificates override ours: behind a proxy, only they are valid.
  if [[ -n "${NIX_SSL_CERT_FILE-}" && -e "$NIX_SSL_CERT_FILE" ]]; then
    export SSL_CERT_FILE=$NIX_SSL_CERT_FILE
  fi

  if _uvlock2nixSyncAlone; then
    _uvlock2nixStripped=1
    flags+=(--then-strip)
  fi

  @uvlock2nix@ sync "$PWD${uvSyncProject:+/$uvSyncProject}" \
    --out "$out" \
    --work "$NIX_BUILD_TOP/uvlock2nix" \
    --interpreter "$uvSyncInterpreter" \
    --python "$uvSyncPython" \
    --system "$uvSyncSystem" \
    --cores "${NIX_BUILD_CORES:-1}" \
    --uv "@uv@" \
    "${flags[@]}"
}

uvSyncBuildPhase() { _uvlock2nixRun uvSyncBuildPhase Build _uvlock2nixSync; }
# The build phase creates $out directly, to save a copy.
uvSyncInstallPhase() { _uvlock2nixRun uvSyncInstallPhase Install true; }

if [[ -z "${dontUseUvSync-}" ]]; then
  _uvlock2nixOwnPhases all
  _uvlock2nixSkipPhase configurePhase
  _uvlock2nixSetPhase buildPhase uvSyncBuildPhase
  _uvlock2nixSetPhase installPhase uvSyncInstallPhase
fi
