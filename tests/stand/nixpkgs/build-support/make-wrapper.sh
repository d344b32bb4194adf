# shellcheck shell=bash
# shellcheck disable=SC1007,SC2016
# makeWrapper EXECUTABLE OUT ARGS and wrapProgram PROGRAM ARGS, with nixpkgs' options.
assertExecutable() {
  if [ ! -f "$1" ] || [ ! -x "$1" ]; then
    echo "Cannot wrap '$1' because it is not an executable file" >&2
    exit 1
  fi
}

makeWrapper() {
  local original=$1 wrapper=$2 argv0= flagsBefore= flagsAfter= interpreter=@shell@
  assertExecutable "$original"
  shift 2
  mkdir -p "$(dirname "$wrapper")"
  {
    echo "#! $interpreter -e"
    while (($#)); do
      local option=$1
      shift
      case $option in
        --set) printf 'export %s=%q\n' "$1" "$2" && shift 2 ;;
        --set-default) printf 'export %s=${%s-%q}\n' "$1" "$1" "$2" && shift 2 ;;
        --unset) echo "unset $1" && shift ;;
        --chdir) printf 'cd %q\n' "$1" && shift ;;
        --run) echo "$1" && shift ;;
        --prefix) printf 'export %s=%q${%s:+%q$%s}\n' "$1" "$3" "$1" "$2" "$1" && shift 3 ;;
        --suffix) printf 'export %s=${%s:+$%s%q}%q\n' "$1" "$1" "$1" "$2" "$3" && shift 3 ;;
        --prefix-each | --suffix-each)
          local name=$1 separator=$2 value
          # shellcheck disable=SC2086
          for value in $3; do
            if [ "$option" = --prefix-each ]; then
              printf 'export %s=%q${%s:+%q$%s}\n' "$name" "$value" "$name" "$separator" "$name"
            else
              printf 'export %s=${%s:+$%s%q}%q\n' "$name" "$name" "$name" "$separator" "$value"
            fi
          done
          shift 3
          ;;
        --argv0) argv0=$1 && shift ;;
        --inherit-argv0) argv0='$0' ;;
        --resolve-argv0) : ;;
        --add-flag) flagsBefore+=" $(printf %q "$1")" && shift ;;
        --append-flag) flagsAfter+=" $(printf %q "$1")" && shift ;;
        --add-flags) flagsBefore+=" $1" && shift ;;
        --append-flags) flagsAfter+=" $1" && shift ;;
        *)
          echo "makeWrapper doesn't understand the arg $option" >&2
          exit 1
          ;;
      esac
    done
    echo "exec ${argv0:+-a \"$argv0\" }\"$original\" $flagsBefore \"\$@\" $flagsAfter"
  } >"$wrapper"
  chmod +x "$wrapper"
}
makeShellWrapper() { makeWrapper "$@"; }
makeBinaryWrapper() { makeWrapper "$@"; }

wrapProgram() {
  local program=$1 hidden
  shift
  hidden=$(dirname "$program")/.$(basename "$program")-wrapped
  while [ -e "$hidden" ]; do hidden+=_; done
  assertExecutable "$program"
  mv "$program" "$hidden"
  makeWrapper "$hidden" "$program" --inherit-argv0 "$@"
}
wrapProgramShell() { wrapProgram "$@"; }
