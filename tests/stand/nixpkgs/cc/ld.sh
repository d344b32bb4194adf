#!/bin/bash
# shellcheck disable=SC1007
# The linker as nixpkgs wraps it: NIX_LDFLAGS, and an RPATH entry for each store directory that a library comes from.
real=/usr/bin/@program@
# shellcheck disable=SC2206
params=("$@" ${NIX_LDFLAGS-})
# Response files are expanded by the linker itself; look into them for libraries too.
expanded=()
for p in "${params[@]}"; do
  if [[ $p == @* && -f ${p:1} ]]; then
    while read -r -a words; do expanded+=("${words[@]}"); done <"${p:1}"
  else
    expanded+=("$p")
  fi
done
dirs=() libraries=() given=() relocatable= prev=
for p in "${expanded[@]}"; do
  case $prev in
    -L) dirs+=("$p") prev= && continue ;;
    -l) libraries+=("lib$p") prev= && continue ;;
    -rpath | --rpath) given+=("$p") prev= && continue ;;
    -dynamic-linker | -plugin | -o | -m | -z | -h | -soname | -T | -u | -e | -y | -rpath-link) prev= && continue ;;
  esac
  case $p in
    -L?*) dirs+=("${p:2}") ;;
    -l?*) libraries+=("lib${p:2}") ;;
    -r | --relocatable | -static) relocatable=1 ;;
    "$NIX_STORE"/*.so | "$NIX_STORE"/*.so.*) libraries+=("$p") ;;
    -L | -l | -rpath | --rpath | -dynamic-linker | -plugin | -o | -m | -z | -h | -soname | -T | -u | -e | -y | -rpath-link) prev=$p ;;
  esac
done
extra=()
case " ${NIX_HARDENING_ENABLE-} " in *" relro "*) extra+=(-z relro) ;; esac
case " ${NIX_HARDENING_ENABLE-} " in *" bindnow "*) extra+=(-z now) ;; esac
if [ -z "${NIX_DONT_SET_RPATH-}" ] && [ -z "$relocatable" ]; then
  declare -A seen=() names=()
  for dir in "${given[@]}"; do seen[$dir]=1; done
  for library in "${libraries[@]}"; do
    case $library in
      /*) dirs+=("${library%/*}") names[${library##*/}]=1 ;;
      *) names[$library.so]=1 ;;
    esac
  done
  # As nixpkgs': in the order of -L, each directory of the store that has any of the libraries.
  for dir in "${dirs[@]}"; do
    if [[ $dir =~ [/.][/.] ]]; then dir=$(readlink -f "$dir") || continue; fi
    if [[ $dir != "${NIX_STORE:-/nix/store}"/* || -n ${seen[${dir%/}]-} ]]; then continue; fi
    for name in "${!names[@]}"; do
      if [ -e "$dir/$name" ]; then
        seen[${dir%/}]=1
        extra+=(-rpath "${dir%/}")
        break
      fi
    done
  done
fi
if [ -n "${NIX_DEBUG-}" ]; then printf 'ld wrapper: %q ' "$real" "${params[@]}" "${extra[@]}" >&2; echo >&2; fi
exec "$real" "${params[@]}" "${extra[@]}"
