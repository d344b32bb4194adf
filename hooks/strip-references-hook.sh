# shellcheck shell=bash
# strip-references-hook: take every store reference out of the output, and prove it.
#
# For a fixed-output derivation that installs or compiles: what Nix would find in $out (contents, file names,
# symlink targets) is replaced by placeholders of the same length and written down in
# $out/nix-support/uvlock2nix/manifest.json; restore-references-hook puts it back in an ordinary derivation.
# It runs as the last phase (postPhases), after fixup, whose patchShebangs and recorded dependencies would put
# references in again; so it also works with dontFixup. Then it audits, and fails the build on anything left.
#
#   stdenv.mkDerivation {
#     name = "deps"; outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = "sha256-…";
#     __structuredAttrs = true;
#     nativeBuildInputs = [ stripReferencesHook ];
#     buildInputs = [ libxml2 ];
#     # attribute → path: the names that references are recorded under. Anything else gets its store name
#     # without hash and version. Give derivations, restoreReferences gets the same attributes.
#     referenceInputs = { inherit libxml2; "libxml2.dev" = libxml2.dev; python = python312; };
#   }
#
# Without __structuredAttrs, referenceInputs is a list or text of "ATTR=PATH", or JSON:
#     referenceInputs = [ "libxml2=${libxml2}" ];      referenceInputs = builtins.toJSON { inherit libxml2; };
#
#   referenceInputs        attribute → store path; `out` is added
#   referencesTree         the tree; default: each output (a fixed-output derivation has one)
#   referencesClosure      file of store paths, one a line (closureInfo's store-paths); default: what the build's
#                          environment and its sandbox name
#   stripReferencesFlags   further arguments of `uvlock2nix refs strip`
#   dontStripReferences    set: do nothing
# A derivation with a `buildCommand` or `phases` of its own (runCommand) calls stripReferencesPhase itself.
#   preStripReferences, postStripReferences: hooks

_uvlock2nixStripWords() { # NAME: the words of a list, array or text; nothing when it is unset
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

_uvlock2nixStripOutputs() { # the names of the derivation's outputs
  if declare -F getAllOutputNames >/dev/null; then getAllOutputNames; else echo "${outputs:-out}"; fi
}

_uvlock2nixStripTree() { # TREE OWN: strip and audit TREE, whose place in the store is OWN
  local -a inputs=(--input "out=$2") closure=() flags=() words=()
  local output word
  for output in $(_uvlock2nixStripOutputs); do
    if [[ "${!output}" != "$2" ]]; then inputs+=(--input "outputs.$output=${!output}"); fi
  done
  # shellcheck disable=SC2154 # the derivation sets it, as text, list or table
  if [[ "$(declare -p referenceInputs 2>/dev/null)" != "declare -"[aA]* && "${referenceInputs-}" == "{"* ]]; then
    inputs+=(--inputs "$referenceInputs")
  else
    mapfile -d '' -t words < <(_uvlock2nixStripWords referenceInputs)
    for word in "${words[@]}"; do inputs+=(--input "$word"); done
  fi
  if [[ -n "${referencesClosure-}" ]]; then closure=(--closure "$referencesClosure"); fi
  mapfile -d '' -t flags < <(_uvlock2nixStripWords stripReferencesFlags)

  @uvlock2nix@ refs strip "$1" --store-dir "${NIX_STORE:-/nix/store}" "${inputs[@]}" "${closure[@]}" "${flags[@]}"
  @uvlock2nix@ refs audit "$1" --store-dir "${NIX_STORE:-/nix/store}" "${inputs[@]}" "${closure[@]}"
}

stripReferencesPhase() {
  echo "Executing stripReferencesPhase"
  runHook preStripReferences

  if [[ -n "${referencesTree-}" ]]; then
    _uvlock2nixStripTree "$referencesTree" "${out:-$referencesTree}"
  else
    local name
    for name in $(_uvlock2nixStripOutputs); do
      # An output that is not there is an error of Nix's own; without `out` there is nothing to do.
      if [[ "$name" == out || -e "${!name}" ]]; then _uvlock2nixStripTree "${!name}" "${!name}"; fi
    done
  fi

  runHook postStripReferences
  echo "Finished stripReferencesPhase"
}

if [[ -z "${dontStripReferences-}" && " ${postPhases[*]-} " != *" stripReferencesPhase "* ]]; then
  if declare -F appendToVar >/dev/null; then
    appendToVar postPhases stripReferencesPhase
  elif [[ "$(declare -p postPhases 2>/dev/null)" == "declare -a"* ]]; then
    postPhases+=(stripReferencesPhase)
  else
    # shellcheck disable=SC2178 # a text here, an array in the branch above
    postPhases="${postPhases-} stripReferencesPhase"
  fi
fi
