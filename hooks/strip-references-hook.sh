# shellcheck shell=bash
# strip-references-hook: take every store reference out of the output, and verify it.
#
# For a fixed-output derivation that installs or compiles: every reference that Nix would find in $out (contents, file
# names, symlink targets) is replaced with a placeholder of the same length and recorded in
# $out/nix-support/uvlock2nix/manifest.json; restore-references-hook restores it in an ordinary derivation. It runs as
# the last phase (postPhases), after fixup, whose patchShebangs and recorded dependencies would add references again;
# so it also works with dontFixup. Then it audits, and fails the build if any reference is left.
#
#   stdenv.mkDerivation {
#     name = "deps"; outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = "sha256-…";
#     __structuredAttrs = true;
#     nativeBuildInputs = [ stripReferencesHook ];
#     buildInputs = [ libxml2 ];
#     # attribute → path: the names under which references are recorded. Any other path gets its store name
#     # without hash and version. Pass derivations; restoreReferences gets the same attributes.
#     referenceInputs = { inherit libxml2; "libxml2.dev" = libxml2.dev; python = python312; };
#   }
#
# Without __structuredAttrs, referenceInputs is a list or text of "ATTR=PATH", or JSON:
#     referenceInputs = [ "libxml2=${libxml2}" ];      referenceInputs = builtins.toJSON { inherit libxml2; };
#
#   referenceInputs        attribute → store path; `out` is added
#   referencesTree         the tree; default: each output (a fixed-output derivation has one)
#   referencesClosure      file of store paths, one per line (closureInfo's store-paths); default: those in the build's
#                          environment and sandbox
#   stripReferencesFlags   further arguments of `uvlock2nix refs strip`
#   dontStripReferences    if set, do nothing
# A derivation with a `buildCommand` or `phases` of its own (runCommand) calls stripReferencesPhase itself.
#   preStripReferences, postStripReferences: hooks

# shellcheck source=hooks/common.sh
source @common@

_uvlock2nixStripTree() { # TREE OWN: strip and audit TREE, whose place in the store is OWN
  local -a flags=(--store-dir "${NIX_STORE:-/nix/store}" --input "out=$2") words=()
  local output
  for output in $(_uvlock2nixOutputs); do
    if [[ "${!output}" != "$2" ]]; then flags+=(--input "outputs.$output=${!output}"); fi
  done
  _uvlock2nixInputs
  _uvlock2nixOption --closure "${referencesClosure-}"
  mapfile -d '' -t words < <(_uvlock2nixWords stripReferencesFlags)

  @uvlock2nix@ refs strip "$1" "${flags[@]}" "${words[@]}" --audit
}

_uvlock2nixStrip() {
  # uv-sync-hook did it, in the process that installed the packages.
  if [[ -n "${_uvlock2nixStripped-}" ]]; then return 0; fi
  if [[ -n "${referencesTree-}" ]]; then
    _uvlock2nixStripTree "$referencesTree" "${out:-$referencesTree}"
    return
  fi
  local name
  for name in $(_uvlock2nixOutputs); do
    # Nix itself reports a missing output; without `out` there is nothing to do.
    if [[ "$name" == out || -e "${!name}" ]]; then _uvlock2nixStripTree "${!name}" "${!name}"; fi
  done
}

stripReferencesPhase() { _uvlock2nixRun stripReferencesPhase StripReferences _uvlock2nixStrip; }

if [[ -z "${dontStripReferences-}" ]]; then
  _uvlock2nixAddPhase postPhases stripReferencesPhase
fi
