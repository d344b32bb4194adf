# shellcheck shell=bash
# Install one wheel into $out: a package in its own store path, which uv-env-hook joins with others.
#
# Attributes:
#   src                 the wheel; by default the one that uv-sdist-hook built
#   uvWheelFile         its own name, which a store path does not have
#   uvWheelArtifact     JSON: the manifest's entry for the locked file (optional)
#   uvWheelInterpreter  the Python to install for (path of the program)
#   uvWheelPython       its minor version
#   uvWheelLibraries    folders with libraries that it links (list, optional)
#   uvWheelDlopen       folders from which it opens libraries by name (list, optional)
#   uvWheelIgnore       names or patterns of libraries that may be missing (list, optional)
#   dontCompileBytecode if set, leave bytecode out
#   patches             patches of the installed files, relative to site-packages (of the source, for a built wheel)
#   uvKeepPhases        phases of inputs' setup hooks to keep (list, optional)
#   dontUseUvWheel      if set, do nothing
#   preInstall, postInstall, preUvWheelSettle, postUvWheelSettle: hooks

# shellcheck disable=SC2154 # the derivation sets what is read here
# shellcheck source=hooks/common.sh
source @common@

_uvlock2nixWheelFlags() { # append to the array `flags` what a package is settled with
  flags+=(--interpreter "$uvWheelInterpreter" --python "$uvWheelPython" --cores "${NIX_BUILD_CORES:-1}")
  _uvlock2nixOptions --library uvWheelLibraries
  _uvlock2nixOptions --dlopen uvWheelDlopen
  _uvlock2nixOptions --ignore uvWheelIgnore
  if [[ -n "${dontCompileBytecode-}" ]]; then flags+=(--no-bytecode); fi
}

_uvlock2nixWheelPatches() { # whether what is installed is patched
  local -a words=()
  if [[ -z "${dist-}" ]]; then mapfile -d '' -t words < <(_uvlock2nixWords patches); fi
  ((${#words[@]} > 0))
}

_uvlock2nixWheelInstall() {
  local wheel="$src" file="${uvWheelFile-}" one
  local -a built=() words=() flags=()
  if [[ -n "${dist-}" ]]; then
    built=("$dist"/*.whl)
    wheel=${built[0]}
    file=${wheel##*/}
  fi
  _uvlock2nixWheelFlags
  if _uvlock2nixAlone uvWheelSettlePhase UvWheelSettle && ! _uvlock2nixWheelPatches; then
    _uvlock2nixWheelSettled=1
    flags+=(--then-settle)
  fi
  @uvlock2nix@ wheel install "$wheel" "$out" \
    --filename "$file" \
    --artifact "${uvWheelArtifact-}" \
    --work "$NIX_BUILD_TOP/uvlock2nix-install" \
    --uv "@uv@" \
    "${flags[@]}"
  if [[ -z "${dist-}" ]]; then
    mapfile -d '' -t words < <(_uvlock2nixWords patches)
    for one in "${words[@]}"; do
      echo "applying patch $one"
      patch -p1 --no-backup-if-mismatch -d "$out/lib/python$uvWheelPython/site-packages" <"$one"
    done
  fi
}

_uvlock2nixWheelSettle() {
  local -a flags=()
  if [[ -n "${_uvlock2nixWheelSettled-}" ]]; then return 0; fi
  _uvlock2nixWheelFlags
  @uvlock2nix@ wheel settle "$out" "${flags[@]}"
}

uvWheelInstallPhase() { _uvlock2nixRun uvWheelInstallPhase Install _uvlock2nixWheelInstall; }
uvWheelSettlePhase() { _uvlock2nixRun uvWheelSettlePhase UvWheelSettle _uvlock2nixWheelSettle; }

if [[ -z "${dontUseUvWheel-}" ]]; then
  _uvlock2nixOwnPhases phases
  if [[ -z "${dist-}" ]]; then
    # The installed files are patched, not the wheel.
    _uvlock2nixSkipPhase patchPhase
    _uvlock2nixSkipPhase configurePhase
    _uvlock2nixSkipPhase buildPhase
  fi
  _uvlock2nixSetPhase installPhase uvWheelInstallPhase
  _uvlock2nixAddPhase preFixupPhases uvWheelSettlePhase
fi
