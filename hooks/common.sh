# shellcheck shell=bash
# What the hooks share: reading attributes, and phases of a hook that no other hook may change.
#
# Each hook sources this file. A setup hook is sourced once for each occurrence among the inputs, so everything
# here may run more than once.

# --- attributes, with and without __structuredAttrs ---------------------------------------------------------------

_uvlock2nixKind() { # NAME: table, list or text; nothing if it is unset
  local declared
  declared=$(declare -p "$1" 2>/dev/null) || return 0
  case "${declared%% "$1"*}" in
    "declare -"*A*) echo table ;;
    "declare -"*a*) echo list ;;
    *) echo text ;;
  esac
}

_uvlock2nixWords() { # NAME: the words of a list, table or text, each ended by a NUL; nothing if it is unset
  local kind
  kind=$(_uvlock2nixKind "$1")
  if [[ -z "$kind" ]]; then return 0; fi
  local -n _words="$1"
  case "$kind" in
    table)
      local attr
      for attr in "${!_words[@]}"; do printf '%s=%s\0' "$attr" "${_words[$attr]}"; done
      ;;
    list) ((${#_words[@]} == 0)) || printf '%s\0' "${_words[@]}" ;;
    *)
      local -a split
      read -r -d '' -a split <<<"$_words" || true
      ((${#split[@]} == 0)) || printf '%s\0' "${split[@]}"
      ;;
  esac
}

_uvlock2nixOptions() { # OPTION NAME: append OPTION and the word to the array `flags` for each word of NAME
  local -a words=()
  local word
  mapfile -d '' -t words < <(_uvlock2nixWords "$2")
  for word in "${words[@]}"; do flags+=("$1" "$word"); done
}

_uvlock2nixOption() { # OPTION VALUE: append OPTION and VALUE to the array `flags`, unless VALUE is empty
  if [[ -n "$2" ]]; then flags+=("$1" "$2"); fi
}

_uvlock2nixInputs() { # append referenceInputs to the array `flags`: a table, a list or text of ATTR=PATH, or JSON
  if [[ "$(_uvlock2nixKind referenceInputs)" == text && "${referenceInputs-}" == "{"* ]]; then
    flags+=(--inputs "$referenceInputs")
  else
    _uvlock2nixOptions --input referenceInputs
  fi
}

_uvlock2nixOutputs() { # the names of the derivation's outputs
  if declare -F getAllOutputNames >/dev/null; then getAllOutputNames; else echo "${outputs:-out}"; fi
}

# --- phases -----------------------------------------------------------------------------------------------------------

_uvlock2nixRun() { # PHASE HOOK FUNCTION: FUNCTION between the hooks preHOOK and postHOOK, with a line before and after
  echo "Executing $1"
  runHook "pre$2"
  "$3"
  runHook "post$2"
  echo "Finished $1"
}

_uvlock2nixAppend() { # NAME WORD: append to a list that is a text or an array
  if declare -F appendToVar >/dev/null; then
    appendToVar "$1" "$2"
  elif [[ "$(_uvlock2nixKind "$1")" == list ]]; then
    local -n _list="$1"
    _list+=("$2")
  else
    printf -v "$1" %s "${!1-}${!1:+ }$2"
  fi
}

_uvlock2nixAddPhase() { # LIST PHASE: PHASE runs where LIST (preFixupPhases, postPhases …) does
  local -n _phases="$1"
  if [[ " ${_phases[*]-} " != *" $2 "* ]]; then _uvlock2nixAppend "$1" "$2"; fi
  _uvlock2nixAdded[$1]+=" $2"
}

_uvlock2nixNoHooks() { # NAME...: whether no text, function or registered function is to run at any of these hooks
  local name
  for name in "$@"; do
    local -n _registered="${name}Hooks"
    if [[ -n "${!name-}${_registered[*]-}" ]] || declare -F "$name" >/dev/null; then return 1; fi
    unset -n _registered
  done
}

_uvlock2nixNoTexts() { # NAME...: whether the derivation has neither a text nor a function to run at any of these hooks
  local name
  for name in "$@"; do
    if [[ -n "${!name-}" ]] || declare -F "$name" >/dev/null; then return 1; fi
  done
}

_uvlock2nixAlone() { # PHASE HOOK: whether nothing runs between installPhase and PHASE, including its hook preHOOK
  local -a phases=()
  mapfile -d '' -t phases < <(_uvlock2nixWords preFixupPhases)
  [[ "${phases[*]}" == "$1" ]] && _uvlock2nixNoHooks postInstall "pre$2"
}

_uvlock2nixSetPhase() { # PHASE FUNCTION: PHASE is FUNCTION, unless the derivation defines it
  if [[ -n "${_uvlock2nixStated[$1]}" ]]; then return 0; fi
  printf -v "$1" %s "$2"
  _uvlock2nixOwn[$1]=$2
}

_uvlock2nixSkipPhase() { # PHASE: nothing is done in PHASE, unless the derivation defines it
  local switch=${1%Phase}
  if [[ -z "${_uvlock2nixStated[$1]}" ]]; then printf -v "dont${switch^}" 1; fi
}

# The setup hook that calls this defines the derivation's phases; inputs add only programs, libraries and variables.
# With `all`, functions that inputs' setup hooks register for phases (postPatchHooks …) do not run either.
_uvlock2nixOwnPhases() { # all|phases
  if [[ "$1" == all ]]; then _uvlock2nixOwnHooks=1; fi
  if [[ " ${postHooks[*]-} " != *" _uvlock2nixKeepPhases "* ]]; then postHooks+=(_uvlock2nixKeepPhases); fi
}

# Setup hooks set the phases that a derivation leaves open: cmake's and meson's configurePhase, ninja's buildPhase;
# autoreconfHook adds a phase, qtbase one that ends the build. This runs after all of them (stdenv's postHook) and
# restores the derivation's own phases. `uvKeepPhases` (list) are added phases to keep.
_uvlock2nixKeepPhases() {
  local -a dropped=()
  local name
  for name in "${_uvlock2nixPhases[@]}"; do _uvlock2nixKeepPhase "$name"; done
  for name in "${_uvlock2nixPhaseLists[@]}"; do _uvlock2nixKeepList "$name"; done
  if [[ -n "${_uvlock2nixOwnHooks-}" ]]; then
    while read -r name; do _uvlock2nixKeepHooks "$name"; done < <(_uvlock2nixHookArrays)
  fi
  if [[ -n "${_uvlock2nixUnwanted-}" ]]; then _uvlock2nixLeaveOut preFixupHooks; fi
  if ((${#dropped[@]})); then echo "uvlock2nix: not run, from inputs' setup hooks: ${dropped[*]}"; fi
}

_uvlock2nixKeepPhase() { # NAME: restore the derivation's phase, else our hook's, else stdenv's function of that name
  local found=${!1-}
  if [[ -n "${_uvlock2nixStated[$1]}" ]]; then
    eval "${_uvlock2nixStated[$1]}"
  elif [[ -n "${_uvlock2nixOwn[$1]-}" ]]; then
    printf -v "$1" %s "${_uvlock2nixOwn[$1]}"
  else
    unset -v "$1"
  fi
  if [[ -n "$found" && "$found" != "${!1-}" ]]; then dropped+=("$1=$found"); fi
}

_uvlock2nixKeepList() { # NAME: the phases that the derivation names, ours, and those of uvKeepPhases
  local -a found=() kept=() wanted=()
  local phase
  mapfile -d '' -t found < <(_uvlock2nixWords "$1")
  mapfile -d '' -t wanted < <(_uvlock2nixWords uvKeepPhases)
  for phase in "${found[@]}"; do
    if [[ " ${_uvlock2nixStated[$1]} ${_uvlock2nixAdded[$1]-} ${wanted[*]} " == *" $phase "* ]] ||
      _uvlock2nixOfStdenv "$phase"; then
      kept+=("$phase")
    else
      dropped+=("$1+=$phase")
    fi
  done
  unset -v "$1"
  for phase in "${kept[@]}"; do _uvlock2nixAppend "$1" "$phase"; done
}

_uvlock2nixKeepHooks() { # NAME: the functions that stdenv itself registers
  local -n _functions="$1"
  local -a kept=()
  local function origin
  for function in "${_functions[@]}"; do
    origin=0
    _uvlock2nixOfStdenv "$function" || origin=$?
    if ((origin == 1)); then dropped+=("$1+=$function"); else kept+=("$function"); fi
  done
  _functions=("${kept[@]}")
}

_uvlock2nixLeaveOut() { # ARRAY: take out of it what _uvlock2nixUnwanted names
  # shellcheck disable=SC2178
  local -n _functions="$1"
  local -a kept=()
  local function
  for function in "${_functions[@]}"; do
    if [[ "$_uvlock2nixUnwanted" != *" $function "* ]]; then kept+=("$function"); fi
  done
  _functions=("${kept[@]}")
}

# stdenv's fixup starts several programs for each symlink, of which an environment has hundreds. What it does to them is
# needed only where there are links that it changes or refuses, which one program finds.
_uvlock2nixFewLinks() {
  if [[ " ${postHooks[*]-} " != *" _uvlock2nixTakeLinks "* ]]; then postHooks+=(_uvlock2nixTakeLinks); fi
}

_uvlock2nixTakeLinks() {
  local name
  for name in dontRewriteSymlinks dontCheckForBrokenSymlinks; do
    if [[ -z "${!name-}" ]]; then
      printf -v "$name" 1
      _uvlock2nixLinks[$name]=1
    fi
  done
  # Before stdenv's own, which it switches on again where they are needed.
  postFixupHooks=(_uvlock2nixFindLinks "${postFixupHooks[@]}")
}

_uvlock2nixFindLinks() {
  local output
  for output in $(_uvlock2nixOutputs); do
    output=${!output}
    if [[ ! -e "$output" ]]; then continue; fi
    if [[ -n "$(find "$output" -type l -lname "$output/*" -print -quit)" ]]; then
      _uvlock2nixLinksBack dontRewriteSymlinks
    fi
    if [[ -n "$(find "$output" -type l \( -xtype l -o -lname "${TMPDIR:-/tmp}/*" \) -print -quit)" ]]; then
      _uvlock2nixLinksBack dontCheckForBrokenSymlinks
    fi
  done
}

_uvlock2nixLinksBack() { # NAME: unset a switch that _uvlock2nixTakeLinks has set
  if [[ -n "${_uvlock2nixLinks[$1]-}" ]]; then unset -v "$1"; fi
}

_uvlock2nixOfStdenv() { # FUNCTION: 0 where stdenv or its default inputs define it, 1 where others do, 2 for other texts
  local found input
  local -a own=()
  found=$(
    shopt -s extdebug # then declare -F adds the file
    declare -F "$1"
  ) || return 2
  found=${found#* * }
  read -r -d '' -a own <<<"${stdenv-} ${defaultNativeBuildInputs[*]-} ${defaultBuildInputs[*]-}" || true
  for input in "${own[@]}"; do
    if [[ "$found" == "$input" || "$found" == "$input"/* ]]; then return 0; fi
  done
  return 1
}

_uvlock2nixHookArrays() { # the arrays in which functions are registered for phases
  compgen -A arrayvar |
    grep -xE '(pre|post)(Unpack|Patch|Configure|Build|Check|Install|InstallCheck|Fixup|Dist)Hooks|fixupOutputHooks' || true
}

_uvlock2nixState() { # NAME: record the derivation's own attribute: for a phase a declaration, for a list its words
  local name=$1 declared="" attributes="${NIX_ATTRS_SH_FILE-}"
  # Nix before 2.15 names the file by its path outside the sandbox.
  if [[ -n "$attributes" && ! -r "$attributes" ]]; then attributes="${NIX_BUILD_TOP-}/.attrs.sh"; fi
  if [[ -r "$attributes" ]]; then
    # It sets every attribute, `name` too: only $1 is safe.
    declared=$(
      unset -v "$1"
      # shellcheck disable=SC1090 # written by Nix
      source "$attributes"
      declare -p "$1" 2>/dev/null
    ) || declared=""
  elif [[ -r "/proc/$$/environ" ]]; then
    # What the builder was started with: a setup hook that came before may have changed it since.
    local entry
    while IFS= read -r -d '' entry; do
      if [[ "$entry" == "$name="* ]]; then declared=$(declare "$name=${entry#*=}" && declare -p "$name"); fi
    done <"/proc/$$/environ"
  else
    # An attribute is an exported variable; what setup hooks set is none.
    declared=$(declare -p "$name" 2>/dev/null) || declared=""
    if [[ "${declared%% "$name"*}" != "declare -"*x* ]]; then declared=""; fi
  fi
  _uvlock2nixStated[$name]=""
  if [[ -z "$declared" ]]; then return 0; fi
  local -a words=()
  mapfile -d '' -t words < <(
    eval "$declared"
    _uvlock2nixWords "$name"
  )
  if ((${#words[@]} == 0)); then return 0; fi
  if [[ "$name" == *Phases ]]; then
    _uvlock2nixStated[$name]=${words[*]}
  else
    _uvlock2nixStated[$name]=${declared/#declare /declare -g }
  fi
}

_uvlock2nixPhases=(
  unpackPhase patchPhase configurePhase buildPhase checkPhase installPhase fixupPhase installCheckPhase distPhase
)
_uvlock2nixPhaseLists=(
  prePhases preConfigurePhases preBuildPhases preInstallPhases preFixupPhases preDistPhases postPhases
)

# Recorded once, by the first of our hooks.
if [[ -z "${_uvlock2nixCommon-}" ]]; then
  _uvlock2nixCommon=1
  declare -gA _uvlock2nixStated=() _uvlock2nixOwn=() _uvlock2nixAdded=() _uvlock2nixLinks=()
  for _uvlock2nixName in "${_uvlock2nixPhases[@]}" "${_uvlock2nixPhaseLists[@]}"; do
    _uvlock2nixState "$_uvlock2nixName"
  done
  unset -v _uvlock2nixName
fi
