# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154
# Programs in bin/ find their own and their dependencies' modules.
wrapPythonPrograms() {
  [ -d "$out/bin" ] || return 0
  local program
  local -a wrapArgs=()
  concatTo wrapArgs makeWrapperArgs
  for program in "$out"/bin/*; do
    if [ -f "$program" ] && [ -x "$program" ] && [ ! -L "$program" ]; then
      wrapProgram "$program" --prefix PYTHONPATH : "$out/lib/$(basename "$out"/lib/python3.*)/site-packages:${standPythonPath-}" --set PYTHONNOUSERSITE true "${wrapArgs[@]}"
    fi
  done
}
