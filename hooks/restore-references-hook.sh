# shellcheck shell=bash
# restore-references-hook: restore the references that strip-references-hook took out, with the store paths of this build.
#
# For an ordinary derivation on top of a stripped one. Search paths, interpreters, scripts, texts, symlinks and
# compiled-in strings are restored exactly; then every ELF file must find every library that it needs: among the
# tree's own wheels (by $ORIGIN), in the interpreter's folder, in referencesLibraryPath and in the lib folder of each
# input. That is what auto-patchelf does, but without losing $ORIGIN. It runs before fixup (preFixupPhases), so that
# postFixup hooks see the result; patchELF (which shrinks search paths), strip and autoPatchelf, which would undo or
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
# A compiled-in path to the tree's own output can be restored only if env's name is not longer than deps'.
#
#   referenceInputs         attribute → store path; `out` is added
#   referencesFrom          a stripped tree to create the tree from; default: the tree already exists
#   referencesLink          if set, with referencesFrom: unchanged files become symlinks into it
#   referencesTree          the tree; default: $out, and each further output with a stripped tree
#   referencesManifest      default: nix-support/uvlock2nix/manifest.json of the stripped tree; "none": nothing
#                           was stripped, only set search paths and interpreters
#   referencesLibraryPath   folders with libraries (list)
#   referencesIgnore        library names or patterns that may be missing (list; libcuda.so.1 always)
#   referencesDlopen        "PACKAGE=DIR[:DIR]" (list): folders from which a package opens libraries by name
#   referencesLeave         attributes whose placeholders are left in place (list)
#   referencesInterpreter   program interpreter; default: that of $NIX_BINTOOLS
#   restoreReferencesFlags  further arguments of `uvlock2nix refs restore`
#   dontRestoreReferences   if set, do nothing
# A derivation with a `buildCommand` or `phases` of its own (runCommand) calls restoreReferencesPhase itself.
#   preRestoreReferences, postRestoreReferences: hooks

# shellcheck source=hooks/common.sh
source @common@

_uvlock2nixRestoreTree() { # TREE OWN [FLAG…]: restore TREE, whose place in the store is OWN
  local tree="$1" own="$2" output
  shift 2
  local -a flags=(--store-dir "${NIX_STORE:-/nix/store}" --input "out=$own" "$@") words=()
  for output in $(_uvlock2nixOutputs); do
    if [[ "${!output}" != "$own" ]]; then flags+=(--input "outputs.$output=${!output}"); fi
  done
  _uvlock2nixInputs
  _uvlock2nixOptions --library referencesLibraryPath
  _uvlock2nixOptions --ignore referencesIgnore
  _uvlock2nixOptions --dlopen referencesDlopen
  _uvlock2nixOptions --leave referencesLeave
  if [[ "${referencesManifest-}" == none ]]; then flags+=(--no-manifest); fi
  _uvlock2nixOption --interpreter "${referencesInterpreter-}"
  mapfile -d '' -t words < <(_uvlock2nixWords restoreReferencesFlags)

  @uvlock2nix@ refs restore "$tree" "${flags[@]}" "${words[@]}"
}

_uvlock2nixRestore() {
  local -a first=() # options for the first tree only
  local name
  if [[ -n "${referencesFrom-}" ]]; then first+=(--from "$referencesFrom"); fi
  if [[ -n "${referencesLink-}" ]]; then first+=(--link); fi
  if [[ -n "${referencesManifest-}" && "$referencesManifest" != none ]]; then
    first+=(--manifest "$referencesManifest")
  fi
  if [[ -n "${referencesTree-}" ]]; then
    _uvlock2nixRestoreTree "$referencesTree" "${out:-$referencesTree}" "${first[@]}"
    return
  fi
  _uvlock2nixRestoreTree "$out" "$out" "${first[@]}"
  for name in $(_uvlock2nixOutputs); do
    # Other outputs are restored if they were stripped, or if nothing was stripped at all.
    if [[ "$name" == out ]]; then continue; fi
    if [[ -e "${!name}/nix-support/uvlock2nix/manifest.json" || "${referencesManifest-}" == none && -d "${!name}" ]]; then
      _uvlock2nixRestoreTree "${!name}" "${!name}"
    fi
  done
}

restoreReferencesPhase() { _uvlock2nixRun restoreReferencesPhase RestoreReferences _uvlock2nixRestore; }

if [[ -z "${dontRestoreReferences-}" ]]; then
  : "${dontPatchELF=1}" "${dontStrip=1}" "${dontAutoPatchelf=1}"
  _uvlock2nixAddPhase preFixupPhases restoreReferencesPhase
fi
