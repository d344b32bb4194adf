# shellcheck shell=bash
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
