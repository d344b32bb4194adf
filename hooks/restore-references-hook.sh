# shellcheck shell=bash
# restore-references-hook: put back what strip-references-hook took out, with the store paths of this build.
#
# For an ordinary derivation on top of a stripped one. Search paths, interpreters, scripts, texts, symlinks and
# compiled-in strings come back exactly; then every ELF file must find every library that it needs, among the
# tree's own wheels (by $ORIGIN), the interpreter's folder, referencesLibraryPath and the lib folder of each
# input: what auto-patchelf does, without its losing $ORIGIN. It runs before fixup (preFixupPhases), so that
# postFixup hooks see the result; patchELF (shrinks search paths), strip and autoPatchelf, which would undo or
# damage it, are switched off unless the derivation sets them.
#
#   stdenv.mkDerivation {
#     name = "env";
#     __structuredAttrs = true;
#     nativeBuildInputs = [ restoreReferencesHook ];   # brings patchelf
#     dontUnpack = true;
#     referencesFrom = deps;                           # or fill $out yourself in installPhase
#     referenceInputs = { inherit libxml2; python = python312; };
#     referencesLibraryPath = [ "${stdenv.cc.cc.lib}/lib" ];
#   }
#
# Without __structuredAttrs, referenceInputs is a list or text of "ATTR=PATH", or JSON:
#     referenceInputs = [ "libxml2=${libxml2}" ];      referenceInputs = builtins.toJSON { inherit libxml2; };
# A compiled-in path to the tree's own output comes back only if env's name is not longer than deps'.
#
#   referenceInputs         attribute → store path; `out` is added
#   referencesFrom          a stripped tree to make the tree from; default: the tree is there already
#   referencesLink          set, with referencesFrom: files that do not change become symlinks into it
#   referencesTree          the tree; default: $out, and each further output that holds a stripped tree
#   referencesManifest      default: nix-support/uvlock2nix/manifest.json of the stripped tree; "none": nothing
#                           was stripped, only libraries and interpreters are looked after
#   referencesLibraryPath   folders with libraries (list)
#   referencesIgnore        library names or patterns that need not be found (list; libcuda.so.1 always)
#   referencesDlopen        "PACKAGE=DIR[:DIR]" (list): folders that a package opens libraries from by name
#   referencesLeave         attributes whose placeholders shall stay (list)
#   referencesInterpreter   program interpreter; default: that of $NIX_BINTOOLS
#   restoreReferencesFlags  further arguments of `uvlock2nix refs restore`
#   dontRestoreReferences   set: do nothing
# A derivation with a `buildCommand` or `phases` of its own (runCommand) calls restoreReferencesPhase itself.
#   preRestoreReferences, postRestoreReferences: hooks

_uvlock2nixRestoreWords() { # NAME: the words of a list, array or text; nothing when it is unset
  local declared
  declared=$(declare -p "$1" 2>/dev/null) || return 0
  local -n _words="$1"
  case "$declared" in
    "declare -A"*)
      local attr
      for attr in "${!_words[@]}"; do printf '%s=%s\0' "$attr" "${_words[$attr]}"; done
      ;;
    "declare -a"*) ((${#_words[@]} == 0)) || printf '%s\0' "${_words[@]}" ;;
    *)
      local -a split
      read -r -d '' -a split <<<"$_words" || true
      ((${#split[@]} == 0)) || printf '%s\0' "${split[@]}"
      ;;
  esac
}

_uvlock2nixRestoreOptions() { # OPTION NAME: append "OPTION word" to flags for each word of NAME
  local -a words=()
  local word
  mapfile -d '' -t words < <(_uvlock2nixRestoreWords "$2")
  for word in "${words[@]}"; do flags+=("$1" "$word"); done
}

_uvlock2nixRestoreOutputs() { # the names of the derivation's outputs
  if declare -F getAllOutputNames >/dev/null; then getAllOutputNames; else echo "${outputs:-out}"; fi
}

_uvlock2nixRestoreTree() { # TREE OWN [FLAG…]: restore TREE, whose place in the store is OWN
  local tree="$1" own="$2" output
  shift 2
  local -a flags=(--store-dir "${NIX_STORE:-/nix/store}" --input "out=$own" "$@") words=()
  for output in $(_uvlock2nixRestoreOutputs); do
    if [[ "${!output}" != "$own" ]]; then flags+=(--input "outputs.$output=${!output}"); fi
  done
  # shellcheck disable=SC2154 # the derivation sets it, as text, list or table
  if [[ "$(declare -p referenceInputs 2>/dev/null)" != "declare -"[aA]* && "${referenceInputs-}" == "{"* ]]; then
    flags+=(--inputs "$referenceInputs")
  else
    _uvlock2nixRestoreOptions --input referenceInputs
  fi
  _uvlock2nixRestoreOptions --library referencesLibraryPath
  _uvlock2nixRestoreOptions --ignore referencesIgnore
  _uvlock2nixRestoreOptions --dlopen referencesDlopen
  _uvlock2nixRestoreOptions --leave referencesLeave
  if [[ "${referencesManifest-}" == none ]]; then flags+=(--no-manifest); fi
  if [[ -n "${referencesInterpreter-}" ]]; then flags+=(--interpreter "$referencesInterpreter"); fi
  mapfile -d '' -t words < <(_uvlock2nixRestoreWords restoreReferencesFlags)

  @uvlock2nix@ refs restore "$tree" "${flags[@]}" "${words[@]}"
}

restoreReferencesPhase() {
  echo "Executing restoreReferencesPhase"
  runHook preRestoreReferences

  local -a first=() # what is said of the first tree only
  local name
  if [[ -n "${referencesFrom-}" ]]; then first+=(--from "$referencesFrom"); fi
  if [[ -n "${referencesLink-}" ]]; then first+=(--link); fi
  if [[ -n "${referencesManifest-}" && "$referencesManifest" != none ]]; then
    first+=(--manifest "$referencesManifest")
  fi
  if [[ -n "${referencesTree-}" ]]; then
    _uvlock2nixRestoreTree "$referencesTree" "${out:-$referencesTree}" "${first[@]}"
  else
    _uvlock2nixRestoreTree "$out" "$out" "${first[@]}"
    for name in $(_uvlock2nixRestoreOutputs); do
      # Another output is done where one was stripped, or where nothing was anywhere.
      if [[ "$name" == out ]]; then continue; fi
      if [[ -e "${!name}/nix-support/uvlock2nix/manifest.json" || "${referencesManifest-}" == none && -d "${!name}" ]]; then
        _uvlock2nixRestoreTree "${!name}" "${!name}"
      fi
    done
  fi

  runHook postRestoreReferences
  echo "Finished restoreReferencesPhase"
}

if [[ -z "${dontRestoreReferences-}" && " ${preFixupPhases[*]-} " != *" restoreReferencesPhase "* ]]; then
  : "${dontPatchELF=1}" "${dontStrip=1}" "${dontAutoPatchelf=1}"
  if declare -F appendToVar >/dev/null; then
    appendToVar preFixupPhases restoreReferencesPhase
  elif [[ "$(declare -p preFixupPhases 2>/dev/null)" == "declare -a"* ]]; then
    preFixupPhases+=(restoreReferencesPhase)
  else
    # shellcheck disable=SC2178 # a text here, an array in the branch above
    preFixupPhases="${preFixupPhases-} restoreReferencesPhase"
  fi
fi
