#!/bin/bash
# The end of a trial (native_truth.nix): take the store's search paths out of the extension modules, as deps does, and
# let the loader look in the inputs' folders only, as env does. Says what each input is linked for, fails when the
# loader finds something nowhere. Environment: distribution, libraries (`ATTR=FOLDER` …), run (more folders).
# shellcheck disable=SC2154
set -euo pipefail
export PATH=/usr/bin
loader=$(patchelf --print-interpreter /usr/bin/bash)
folders=$run
for entry in ${libraries-}; do folders+=:${entry#*=}; done
missing=
while IFS= read -r file; do
  [ "$(head -c 4 "$file" | tr -d '\0')" = $'\177ELF' ] || continue
  kept=
  IFS=: read -r -a entries <<<"$(patchelf --print-rpath "$file")"
  for entry in "${entries[@]}"; do
    case $entry in /nix/store/*) ;; *) kept+=${kept:+:}$entry ;; esac
  done
  if [ -n "$kept" ]; then patchelf --set-rpath "$kept" "$file"; else patchelf --remove-rpath "$file"; fi
  found=$("$loader" --library-path "$folders" --list "$file")
  for name in $(patchelf --print-needed "$file"); do
    where=$(sed -n "s,^[[:space:]]*${name//+/\\+} => \(.*\) (0x.*,\1,p" <<<"$found")
    for entry in ${libraries-}; do
      if [ "${where%/*}" = "${entry#*=}" ]; then echo "native-truth: links ${entry%%=*} $name"; fi
    done
  done
  if lost=$(grep 'not found' <<<"$found"); then
    sed "s,^[[:space:]]*,native-truth: missing ,; s, => not found.*,," <<<"$lost"
    missing=1
  fi
done < <("$VIRTUAL_ENV/bin/python" - "$distribution" <<'PYTHON'
import sys
from importlib.metadata import files

for path in files(sys.argv[1]) or ():
    if ".so" in path.name and path.locate().is_file():
        print(path.locate())
PYTHON
)
[ -z "$missing" ]
