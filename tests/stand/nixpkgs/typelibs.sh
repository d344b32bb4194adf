# shellcheck shell=bash
# shellcheck disable=SC2154
# Give the typelibs of $out the paths of the libraries that they name. A part of debian-unpack.sh: `where` is its map.
# The header (gitypelib-internal.h of gobject-introspection) has the size at byte 40 and, at 52, the place of the text
# with the names: the new text goes to the end.
bytes() { # NUMBER: four bytes, the lowest first
  local hex
  printf -v hex '%08x' "$1"
  printf '%b' "\x${hex:6:2}\x${hex:4:2}\x${hex:2:2}\x${hex:0:2}"
}
for typelib in "$out"/lib/girepository-1.0/*.typelib; do
  place=$(od -An -tu4 -j52 -N4 "$typelib")
  [ "$place" -gt 0 ] || continue
  IFS=, read -r -d '' -a names < <(tail -c "+$((place + 1))" "$typelib") || true
  paths=()
  for name in "${names[@]}"; do paths+=("${where[$name]:+${where[$name]}/}$name"); done
  joined=$(IFS=,; echo "${paths[*]}")
  size=$(stat -c %s "$typelib")
  { printf '%s' "$joined"; head -c $((4 - ${#joined} % 4)) /dev/zero; } >>"$typelib"
  bytes "$size" | dd of="$typelib" bs=1 seek=52 conv=notrunc status=none
  bytes "$(stat -c %s "$typelib")" | dd of="$typelib" bs=1 seek=40 conv=notrunc status=none
done
