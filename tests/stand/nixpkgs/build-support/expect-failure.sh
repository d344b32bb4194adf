# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154
# Runs the real builder (arguments) and turns its failure into success: out/testBuildFailure.{log,exit}.
if [ -n "${NIX_ATTRS_SH_FILE-}" ] && [ -e "$NIX_ATTRS_SH_FILE" ]; then
  # shellcheck disable=SC1090
  . "$NIX_ATTRS_SH_FILE"
  out=${outputs[out]-}
  names=("${outputs[@]}")
else
  names=()
  for name in $outputs; do names+=("${!name}"); done
fi
PATH=/usr/bin
echo "testBuildFailure: Expecting non-zero exit from builder and args: $*"
("$@" 2>&1) | tee "$TMPDIR/testBuildFailure.log"
code=${PIPESTATUS[0]}
if [ "$code" = 0 ]; then
  echo "testBuildFailure: The builder did not fail, but a failure was expected!"
  exit 1
fi
echo "testBuildFailure: Original builder produced exit code: $code"
for path in "${names[@]}"; do
  if [ -e "$path" ] && [ ! -d "$path" ]; then
    mv "$path" "$TMPDIR/result"
    mkdir "$path"
    mv "$TMPDIR/result" "$path/result"
  fi
  mkdir -p "$path"
done
first=${out:-${names[0]}}
cp "$TMPDIR/testBuildFailure.log" "$first/testBuildFailure.log"
echo "$code" >"$first/testBuildFailure.exit"
