# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154
# Nix before 2.15 names the file by its path outside of the sandbox (https://github.com/NixOS/nix/issues/6736).
if [ -f .attrs.sh ] && [ ! -e "${NIX_ATTRS_SH_FILE-}" ]; then
  NIX_ATTRS_SH_FILE=$PWD/.attrs.sh NIX_ATTRS_JSON_FILE=$PWD/.attrs.json
  export NIX_ATTRS_SH_FILE NIX_ATTRS_JSON_FILE
fi
if [ -n "${NIX_ATTRS_SH_FILE-}" ]; then
  # shellcheck disable=SC1090
  source "$NIX_ATTRS_SH_FILE"
fi
# shellcheck disable=SC1091,SC2154
source "$stdenv/setup"
genericBuild
