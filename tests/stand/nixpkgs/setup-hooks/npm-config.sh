# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' npmConfigHook: a hook behind patchPhase.
npmConfigHook() {
  if [ -z "${npmDeps-}" ]; then
    echo "Error: 'npmDeps' should be set when using npmConfigHook." >&2
    exit 1
  fi
}
postPatchHooks+=(npmConfigHook)
