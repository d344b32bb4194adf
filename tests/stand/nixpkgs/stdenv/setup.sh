# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2178,SC1097,SC2123,SC2016,SC2086,SC2153,SC2206,SC1007,SC2120,SC2119,SC2207,SC2128,SC2190,SC2004,SC2013
# The generic builder: what nixpkgs' stdenv promises to packages and setup hooks (see the nixpkgs manual, "The Standard
# Environment"), written small for the test stand. Works with and without __structuredAttrs.
set -eu
set -o pipefail
shopt -s inherit_errexit 2>/dev/null || true

if [ -n "${NIX_ATTRS_SH_FILE-}" ] && [ -e "$NIX_ATTRS_SH_FILE" ]; then
  # shellcheck disable=SC1090
  source "$NIX_ATTRS_SH_FILE"
  __structuredAttrs=1
  for name in "${!outputs[@]}"; do
    printf -v "$name" %s "${outputs[$name]}"
    export "${name?}"
  done
  # Variables of `env` are exported by this name list.
  for name in "${!env[@]}"; do export "${name}=${env[$name]}"; done
  export NIX_ATTRS_SH_FILE NIX_ATTRS_JSON_FILE
else
  __structuredAttrs=
fi
[ -n "$__structuredAttrs" ] || : "${outputs:=out}"

getAllOutputNames() {
  if [ -n "$__structuredAttrs" ]; then echo "${!outputs[*]}"; else echo "$outputs"; fi
}

# --- logging -----------------------------------------------------------------------------------------------------
: "${NIX_LOG_FD:=2}"
nixLog() { echo "$*" >&"$NIX_LOG_FD"; }
nixErrorLog() { nixLog "$@"; }
nixWarnLog() { nixLog "$@"; }
nixInfoLog() { nixLog "$@"; }
echoCmd() { printf '%s: ' "$1"; shift; printf '%q ' "$@"; echo; }

# --- lists: an array or a string of words ----------------------------------------------------------------------------
isArray() { [[ $(declare -p "$1" 2>/dev/null) =~ ^declare\ -[a-zA-Z]*a ]]; }

appendToVar() {
  local -n nameref=$1
  local useArray=false
  if [ -n "$__structuredAttrs" ]; then useArray=true; fi
  if [ -n "${!1+x}" ] || isArray "$1"; then
    if isArray "$1"; then useArray=true; else useArray=false; fi
  fi
  shift
  if $useArray; then nameref=(${nameref+"${nameref[@]}"} "$@"); else nameref="${nameref-}${nameref:+ }$*"; fi
}

prependToVar() {
  local -n nameref=$1
  local useArray=false
  if [ -n "$__structuredAttrs" ]; then useArray=true; fi
  if [ -n "${!1+x}" ] || isArray "$1"; then
    if isArray "$1"; then useArray=true; else useArray=false; fi
  fi
  shift
  if $useArray; then nameref=("$@" ${nameref+"${nameref[@]}"}); else nameref="$*${nameref:+ }${nameref-}"; fi
}

concatTo() {
  local -n targetref=$1
  shift
  local arg name default
  for arg in "$@"; do
    IFS== read -r name default <<<"$arg"
    if isArray "$name"; then
      local -n concatref=$name
      targetref+=(${concatref+"${concatref[@]}"})
      unset -n concatref
    elif [ -n "${!name-}" ]; then
      # shellcheck disable=SC2206
      targetref+=(${!name})
    elif [ -n "$default" ]; then
      targetref+=("$default")
    fi
  done
}

concatStringsSep() {
  local sep=$1 name=$2
  if isArray "$name"; then
    local -n joinref=$name
    local IFS=$sep
    echo -n "${joinref[*]}"
  else
    local value=${!name-}
    echo -n "${value// /$sep}"
  fi
}

addToSearchPathWithCustomDelimiter() {
  local delimiter=$1 varName=$2 dir=$3
  if [[ -d $dir && ${!varName:+${delimiter}${!varName}${delimiter}} != *"${delimiter}${dir}${delimiter}"* ]]; then
    export "${varName}=${!varName:+${!varName}${delimiter}}${dir}"
  fi
}
addToSearchPath() { addToSearchPathWithCustomDelimiter : "$@"; }
prependToSearchPath() {
  [ -d "$2" ] || return 0
  export "$1=$2${!1:+:${!1}}"
}

declare -ga fixupOutputHooks=()
declare -ga preFixupHooks=() postFixupHooks=() preInstallHooks=() postInstallHooks=() postUnpackHooks=() unpackCmdHooks=()
declare -ga preConfigureHooks=() postConfigureHooks=() preBuildHooks=() postBuildHooks=() preCheckHooks=() postCheckHooks=()
declare -ga prePatchHooks=() postPatchHooks=() preUnpackHooks=() exitHooks=() failureHooks=() preDistHooks=() preInstallCheckHooks=()

# --- hooks -----------------------------------------------------------------------------------------------------------
# runHook preX runs the function or the text `preX` and everything in the array `preXHooks`.
_callImplicitHook() {
  local default=$1 hookName=$2
  if declare -F "$hookName" >/dev/null; then
    "$hookName"
  elif type -p "$hookName" >/dev/null; then
    # shellcheck disable=SC1090
    source "$hookName"
  elif [ -n "${!hookName:-}" ]; then
    eval "${!hookName}"
  else
    return "$default"
  fi
}

_eval() {
  if declare -F "$1" >/dev/null; then "$@"; else eval "$1"; fi
}

runHook() {
  local hookName=$1 hook
  shift
  local hooksSlice="${hookName%Hook}Hooks[@]"
  # nixpkgs' order: the package's own text first, then what setup hooks registered.
  for hook in "_callImplicitHook 0 $hookName" ${!hooksSlice+"${!hooksSlice}"}; do
    _eval "$hook" "$@"
  done
}

runOneHook() {
  local hookName=$1 hook
  shift
  local hooksSlice="${hookName%Hook}Hooks[@]"
  for hook in "_callImplicitHook 1 $hookName" ${!hooksSlice+"${!hooksSlice}"}; do
    if _eval "$hook" "$@"; then return 0; fi
  done
  return 1
}

showPhaseHeader() { echo "Running phase: $1"; }
showPhaseFooter() { :; }

exitHandler() {
  exitCode=$?
  set +e
  runHook exitHook || true
  if [ "$exitCode" != 0 ]; then
    runHook failureHook || true
  fi
  return "$exitCode"
}
trap exitHandler EXIT

# --- tools -----------------------------------------------------------------------------------------------------------
stripHash() {
  local name
  name=$(basename -- "$1")
  if [[ $name =~ ^[a-z0-9]{32}- ]]; then echo "${name:33}"; else echo "$name"; fi
}

isELF() {
  local magic
  [ -f "$1" ] || return 1
  IFS= read -r -n 4 magic <"$1" 2>/dev/null || true
  [ "$magic" = $'\177ELF' ]
}
isScript() {
  local magic
  [ -f "$1" ] || return 1
  IFS= read -r -n 2 magic <"$1" 2>/dev/null || true
  [ "$magic" = '#!' ]
}
isMachO() { return 1; }

substituteStream() {
  local var=$1 description=$2
  shift 2
  while (($#)); do
    local pattern replacement varName
    case $1 in
      --replace | --replace-fail | --replace-warn | --replace-quiet)
        local mode=$1
        pattern=$2 replacement=$3
        shift 3
        if [[ ${!var} != *"$pattern"* ]]; then
          if [ "$mode" = --replace-fail ]; then
            echo "substituteStream() in derivation $name: ERROR: pattern $(printf %q "$pattern") doesn't match anything in $description" >&2
            return 1
          elif [ "$mode" != --replace-quiet ]; then
            echo "substituteStream() in derivation $name: WARNING: pattern $(printf %q "$pattern") doesn't match anything in $description" >&2
          fi
        fi
        eval "$var"'=${'"$var"'//"$pattern"/"$replacement"}'
        ;;
      --subst-var)
        varName=$2
        shift 2
        if [ -z "${!varName+x}" ]; then
          echo "substituteStream(): ERROR: variable \$$varName is unset" >&2
          return 1
        fi
        pattern="@$varName@" replacement=${!varName}
        eval "$var"'=${'"$var"'//"$pattern"/"$replacement"}'
        ;;
      --subst-var-by)
        pattern="@$2@" replacement=$3
        shift 3
        eval "$var"'=${'"$var"'//"$pattern"/"$replacement"}'
        ;;
      *)
        echo "substituteStream(): ERROR: Invalid command line argument: $1" >&2
        return 1
        ;;
    esac
  done
  printf '%s' "${!var}"
}

consumeEntire() {
  if IFS= read -r -d '' "$1"; then
    echo "consumeEntire(): ERROR: Input null bytes, won't process" >&2
    return 1
  fi
}

substitute() {
  local input=$1 output=$2 fileContents
  shift 2
  if [ ! -f "$input" ]; then
    echo "substitute(): ERROR: file '$input' does not exist" >&2
    return 1
  fi
  consumeEntire fileContents <"$input"
  if [ -e "$output" ]; then chmod u+w "$output"; fi
  substituteStream fileContents "file '$input'" "$@" >"$output.subst.$$"
  cat "$output.subst.$$" >"$output"
  rm -f "$output.subst.$$"
}

substituteInPlace() {
  local -a files=()
  while (($#)) && [[ $1 != --* ]]; do
    files+=("$1")
    shift
  done
  local file
  for file in "${files[@]}"; do substitute "$file" "$file" "$@"; done
}

_allFlags() {
  local varName
  while IFS= read -r varName; do
    if [[ $varName =~ ^[a-z][A-Za-z0-9_]*$ ]]; then args+=(--subst-var "$varName"); fi
  done < <(compgen -e)
}
substituteAll() {
  local args=()
  _allFlags
  substitute "$1" "$2" "${args[@]}"
}
substituteAllInPlace() {
  local file args
  for file in "$@"; do
    args=()
    _allFlags
    substitute "$file" "$file" "${args[@]}"
  done
}

# --- dependencies ------------------------------------------------------------------------------------------------------
# Two kinds are enough without cross compilation: what runs now (native) and what is linked against (host).
declare -a pkgsBuildHost=() pkgsHostTarget=() envBuildHostHooks=() envHostHostHooks=() envHostTargetHooks=() envBuildBuildHooks=()
declare -A _seenNative=() _seenHost=() _seenHook=()
export hostOffset=0 targetOffset=0 depHostOffset=0

addEnvHooks() {
  local offset=$1 hook
  shift
  for hook in "$@"; do
    if [ "$offset" -lt 0 ]; then envBuildHostHooks+=("$hook"); else envHostTargetHooks+=("$hook"); fi
  done
}

_findInputs() {
  local kind=$1 pkg=$2 file dep
  if [ "$kind" = native ]; then
    [ -z "${_seenNative[$pkg]-}" ] || return 0
    _seenNative[$pkg]=1
  else
    [ -z "${_seenHost[$pkg]-}" ] || return 0
    _seenHost[$pkg]=1
  fi
  if [ ! -e "$pkg" ]; then
    echo "build input $pkg does not exist" >&2
    exit 1
  fi
  if [ "$kind" = native ]; then pkgsBuildHost+=("$pkg"); else pkgsHostTarget+=("$pkg"); fi
  file=$pkg/nix-support/propagated-build-inputs
  if [ -f "$file" ]; then
    # shellcheck disable=SC2013
    for dep in $(<"$file"); do _findInputs "$kind" "$dep"; done
  fi
  file=$pkg/nix-support/propagated-native-build-inputs
  if [ -f "$file" ]; then
    # shellcheck disable=SC2013
    for dep in $(<"$file"); do _findInputs native "$dep"; done
  fi
}

_sourceHooks() {
  local pkg=$1
  if [ -f "$pkg" ] && [ -z "${_seenHook[$pkg]-}" ]; then
    _seenHook[$pkg]=1
    # shellcheck disable=SC1090
    source "$pkg"
  elif [ -f "$pkg/nix-support/setup-hook" ]; then
    # shellcheck disable=SC1091
    source "$pkg/nix-support/setup-hook"
  fi
}

_activate() {
  local dep hook
  local -a natives=() hosts=()
  # stdenv's own come last, as in nixpkgs.
  concatTo natives nativeBuildInputs propagatedNativeBuildInputs nativeCheckInputsActive defaultNativeBuildInputs
  concatTo hosts buildInputs propagatedBuildInputs defaultBuildInputs
  for dep in ${natives+"${natives[@]}"}; do _findInputs native "$dep"; done
  for dep in ${hosts+"${hosts[@]}"}; do _findInputs host "$dep"; done
  for dep in ${pkgsBuildHost+"${pkgsBuildHost[@]}"}; do
    hostOffset=-1 targetOffset=0
    _sourceHooks "$dep"
    addToSearchPath _PATH "$dep/bin"
  done
  for dep in ${pkgsHostTarget+"${pkgsHostTarget[@]}"}; do
    hostOffset=0 targetOffset=1
    _sourceHooks "$dep"
    if [ -z "${strictDeps-}" ]; then addToSearchPath _HOST_PATH "$dep/bin"; fi
    addToSearchPath HOST_PATH "$dep/bin"
  done
  hostOffset=0 targetOffset=0
  for dep in ${pkgsBuildHost+"${pkgsBuildHost[@]}"}; do
    for hook in ${envBuildHostHooks+"${envBuildHostHooks[@]}"}; do "$hook" "$dep"; done
    if [ -z "${strictDeps-}" ]; then
      for hook in ${envHostTargetHooks+"${envHostTargetHooks[@]}"}; do "$hook" "$dep"; done
    fi
  done
  for dep in ${pkgsHostTarget+"${pkgsHostTarget[@]}"}; do
    for hook in ${envHostTargetHooks+"${envHostTargetHooks[@]}"}; do "$hook" "$dep"; done
  done
}

# --- phases ------------------------------------------------------------------------------------------------------------
_tryUnpackCmd() {
  local curSrc=$1
  case $curSrc in
    *.tar | *.tar.* | *.tgz | *.tbz2 | *.txz) tar xf "$curSrc" --mode=+w --warning=no-timestamp ;;
    *)
      if [ -d "$curSrc" ]; then
        local destination
        destination=$(stripHash "$curSrc")
        cp -r --preserve=mode,timestamps --reflink=auto -- "$curSrc" "$destination"
      else
        return 1
      fi
      ;;
  esac
}
unpackFile() {
  local curSrc=$1
  echo "unpacking source archive $curSrc"
  if [ ${#unpackCmdHooks[@]} -gt 0 ] || [ -n "${unpackCmd-}" ]; then
    if runOneHook unpackCmd "$curSrc"; then return 0; fi
  fi
  if ! _tryUnpackCmd "$curSrc"; then
    echo "do not know how to unpack source archive $curSrc" >&2
    exit 1
  fi
}

unpackPhase() {
  runHook preUnpack
  if [ -z "${srcs-}" ]; then
    if [ -z "${src-}" ]; then
      echo 'variable $src or $srcs should point to the source' >&2
      exit 1
    fi
    srcs=$src
  fi
  local -a srcsArray=()
  concatTo srcsArray srcs
  local before after i
  before=$(find . -maxdepth 1 -mindepth 1 -type d | sort)
  for i in "${srcsArray[@]}"; do unpackFile "$i"; done
  if [ -n "${setSourceRoot-}" ]; then
    runOneHook setSourceRoot
  elif [ -z "${sourceRoot-}" ]; then
    after=$(comm -13 <(echo "$before") <(find . -maxdepth 1 -mindepth 1 -type d | sort))
    after=$(echo "$after" | sed '/^$/d')
    if [ "$(echo "$after" | wc -l)" -gt 1 ]; then
      echo "unpacker produced multiple directories" >&2
      exit 1
    fi
    sourceRoot=${after#./}
  fi
  if [ -z "${sourceRoot-}" ]; then
    echo "unpacker appears to have produced no directories" >&2
    exit 1
  fi
  echo "source root is $sourceRoot"
  if [ "${dontMakeSourcesWritable:-0}" != 1 ]; then chmod -R u+w -- "$sourceRoot"; fi
  runHook postUnpack
}

patchPhase() {
  runHook prePatch
  local -a patchesArray=() flagsArray=()
  concatTo patchesArray patches
  concatTo flagsArray patchFlags=-p1
  local i
  for i in ${patchesArray+"${patchesArray[@]}"}; do
    echo "applying patch $i"
    patch "${flagsArray[@]}" <"$i"
  done
  runHook postPatch
}

configurePhase() {
  runHook preConfigure
  : "${configureScript=}"
  if [ -z "$configureScript" ] && [ -x ./configure ]; then configureScript=./configure; fi
  if [ -n "$configureScript" ]; then
    local -a flagsArray=()
    if [ -z "${dontAddPrefix-}" ]; then flagsArray+=("${prefixKey:---prefix=}${prefix:-$out}"); fi
    concatTo flagsArray configureFlags configureFlagsArray
    echoCmd 'configure flags' "${flagsArray[@]}"
    $configureScript "${flagsArray[@]}"
  else
    echo "no configure script, doing nothing"
  fi
  runHook postConfigure
}

buildPhase() {
  runHook preBuild
  if [[ -z ${makeFlags-} && -z ${makefile-} && ! (-e Makefile || -e makefile || -e GNUmakefile) ]]; then
    echo "no Makefile or custom buildPhase, doing nothing"
  else
    local flagsArray=("SHELL=$SHELL")
    if [ -n "${enableParallelBuilding-}" ]; then flagsArray+=("-j$NIX_BUILD_CORES"); fi
    concatTo flagsArray makeFlags makeFlagsArray buildFlags buildFlagsArray
    echoCmd 'build flags' "${flagsArray[@]}"
    make ${makefile:+-f "$makefile"} "${flagsArray[@]}"
  fi
  runHook postBuild
}

checkPhase() {
  runHook preCheck
  if [[ -z ${checkTarget-} ]] && make -n check >/dev/null 2>&1; then checkTarget=check; fi
  if [[ -n ${checkTarget-} ]]; then
    local flagsArray=("SHELL=$SHELL")
    concatTo flagsArray makeFlags makeFlagsArray checkFlags checkFlagsArray checkTarget
    make ${makefile:+-f "$makefile"} "${flagsArray[@]}"
  fi
  runHook postCheck
}

installPhase() {
  runHook preInstall
  if [[ -z ${makeFlags-} && -z ${makefile-} && ! (-e Makefile || -e makefile || -e GNUmakefile) ]]; then
    echo "no Makefile or custom installPhase, doing nothing"
  else
    mkdir -p "${prefix:-$out}"
    local flagsArray=("SHELL=$SHELL")
    concatTo flagsArray makeFlags makeFlagsArray installFlags installFlagsArray installTargets=install
    make ${makefile:+-f "$makefile"} "${flagsArray[@]}"
  fi
  runHook postInstall
}

patchShebangs() {
  local pathVar=HOST_PATH update=
  while [[ ${1-} == --* ]]; do
    case $1 in
      --host) pathVar=HOST_PATH ;;
      --build) pathVar=PATH ;;
      --update) update=1 ;;
      --) shift; break ;;
    esac
    shift
  done
  echo "patching script interpreter paths in $*"
  local file line rest program arguments new base
  while IFS= read -r -d '' file; do
    isScript "$file" || continue
    IFS= read -r line <"$file" || [ "$line" ]
    rest=${line:2}
    rest=${rest#"${rest%%[![:space:]]*}"}
    read -r program arguments <<<"$rest"
    if [[ $program == */env ]]; then
      read -r base arguments <<<"$arguments"
      if [[ $base == -S ]]; then
        read -r base arguments <<<"$arguments"
        arguments="-S $(PATH=${!pathVar} type -P "$base" || true)${arguments:+ $arguments}"
        base=env
      elif [[ $base == -* || $base == *=* ]]; then
        echo "$file: unsupported interpreter directive \"$line\" (set dontPatchShebangs=1 and handle shebang patching yourself)" >&2
        exit 1
      fi
    else
      base=${program##*/}
    fi
    if [[ $program == "$NIX_STORE"/* && -z $update ]]; then continue; fi
    new=$(PATH=${!pathVar} type -P "$base" || true)
    [ -n "$new" ] || continue
    new="#!$new${arguments:+ $arguments}"
    if [ "$new" != "$line" ]; then
      echo "$file: interpreter directive changed from \"$line\" to \"$new\""
      local stamp mode
      stamp=$(stat --printf %y "$file")
      mode=$(stat --printf %a "$file")
      chmod u+w "$file"
      { echo "$new"; tail -n +2 "$file"; } >"$file.shebang.$$"
      cat "$file.shebang.$$" >"$file"
      rm "$file.shebang.$$"
      chmod "$mode" "$file"
      touch --date "$stamp" "$file"
    fi
  done < <(find "$@" -type f -perm -0100 -print0)
}
patchShebangsAuto() {
  if [ -z "${dontPatchShebangs-}" ] && [ -e "$prefix" ]; then patchShebangs --host "$prefix"; fi
}
fixupOutputHooks+=(patchShebangsAuto)

stripDirs() {
  local file
  while IFS= read -r -d '' file; do
    if isELF "$file"; then strip "$@" "$file" 2>/dev/null || true; fi
  done < <(find "${_stripPaths[@]}" -type f -print0)
}
_doStrip() {
  if [ -n "${dontStrip-}" ]; then return 0; fi
  local dir _stripPaths=()
  for dir in lib lib32 lib64 libexec bin sbin; do
    if [ -d "$prefix/$dir" ]; then _stripPaths+=("$prefix/$dir"); fi
  done
  [ ${#_stripPaths[@]} -gt 0 ] || return 0
  echo "stripping (with command strip and flags ${stripDebugFlags:--S -p}) in ${_stripPaths[*]}"
  # shellcheck disable=SC2086
  stripDirs ${stripDebugFlags:--S -p}
}
fixupOutputHooks+=(_doStrip)

_patchElfAuto() {
  if [ -n "${dontPatchELF-}" ] || [ ! -e "$prefix" ]; then return 0; fi
  local file rpath
  echo "shrinking RPATHs of ELF executables and libraries in $prefix"
  while IFS= read -r -d '' file; do
    isELF "$file" || continue
    rpath=$(patchelf --print-rpath "$file" 2>/dev/null || true)
    [ -n "$rpath" ] || continue
    echo "shrinking $file"
    patchelf --shrink-rpath "$file"
  done < <(find "$prefix" -type f \( -perm -0100 -o -name '*.so' -o -name '*.so.*' \) -print0)
}
fixupOutputHooks+=(_patchElfAuto)

_pruneLaFiles() {
  if [ -n "${dontPruneLibtoolFiles-}" ] || [ ! -d "$prefix" ]; then return 0; fi
  find "$prefix" -type f -name '*.la' -exec sed -i "s,^dependency_libs=.*,dependency_libs=''," {} +
}
fixupOutputHooks+=(_pruneLaFiles)

@fixups@

_overrideFirst() {
  local target=$1 name
  shift
  for name in "$@"; do
    if [ -n "${!name-}" ]; then
      printf -v "$target" %s "$name"
      return
    fi
  done
}
_overrideFirst outputDev dev out
_overrideFirst outputBin bin out
_overrideFirst outputLib lib out
_overrideFirst outputInclude dev out
: "${outputDev:=out}" "${outputBin:=out}" "${outputLib:=out}" "${outputInclude:=out}"

moveToOutput() {
  local pattern=$1 destination=$2 output source relative
  for output in $(getAllOutputNames); do
    [ "${!output}" != "$destination" ] || continue
    for source in "${!output}"/$pattern; do
      [ -e "$source" ] || [ -L "$source" ] || continue
      relative=${source#"${!output}"/}
      if [ "$destination" = REMOVE ]; then
        rm -rf "$source"
      else
        mkdir -p "$(dirname "$destination/$relative")"
        if [ -d "$source" ] && [ -d "$destination/$relative" ]; then
          cp -a "$source/." "$destination/$relative/"
          rm -r "$source"
        else
          mv "$source" "$destination/$relative"
        fi
      fi
      rmdir -p --ignore-fail-on-non-empty "$(dirname "$source")" 2>/dev/null || true
    done
  done
}

_multioutDevs() {
  if [[ " $(getAllOutputNames) " != *" dev "* ]] || [ "${moveToDev-1}" = "" ]; then return 0; fi
  local pattern
  for pattern in include lib/pkgconfig share/pkgconfig lib/cmake share/aclocal; do moveToOutput "$pattern" "$dev"; done
  local file
  for file in "$dev"/lib/pkgconfig/*.pc "$dev"/share/pkgconfig/*.pc; do
    [ -f "$file" ] || continue
    sed -i "/^prefix=/s,=.*,=$dev,; /^includedir=/s,=.*,=$dev/include,; /^exec_prefix=/s,=.*,=$out,; /^libdir=/s,=.*,=${!outputLib}/lib," "$file"
  done
}
_multioutDocs() { :; }
preFixupHooks+=(_multioutDevs)

recordPropagatedDependencies() {
  local -a natives=() hosts=()
  concatTo natives propagatedNativeBuildInputs
  concatTo hosts propagatedBuildInputs
  if [ "${!outputDev}" != "$out" ]; then
    local output
    for output in "$outputLib" "$outputBin"; do
      if [ "${!output}" != "${!outputDev}" ] && [[ " ${hosts[*]-} " != *" ${!output} "* ]]; then hosts+=("${!output}"); fi
    done
  fi
  if [ ${#natives[@]} -gt 0 ]; then
    mkdir -p "${!outputDev}/nix-support"
    printf '%s ' "${natives[@]}" >"${!outputDev}/nix-support/propagated-native-build-inputs"
  fi
  if [ ${#hosts[@]} -gt 0 ]; then
    mkdir -p "${!outputDev}/nix-support"
    printf '%s ' "${hosts[@]}" >"${!outputDev}/nix-support/propagated-build-inputs"
  fi
  local -a hooks=()
  concatTo hooks setupHook setupHooks
  if [ ${#hooks[@]} -gt 0 ]; then
    mkdir -p "${!outputDev}/nix-support"
    local hook content
    for hook in "${hooks[@]}"; do
      consumeEntire content <"$hook"
      local args=()
      _allFlags
      substituteStream content "file '$hook'" "${args[@]}" >>"${!outputDev}/nix-support/setup-hook"
      unset -v content
    done
  fi
}

fixupPhase() {
  local output
  for output in $(getAllOutputNames); do
    if [ -e "${!output}" ]; then chmod -R u+w,u-s,g-s "${!output}"; fi
  done
  runHook preFixup
  local prefix
  for output in $(getAllOutputNames); do prefix=${!output} runHook fixupOutput; done
  recordPropagatedDependencies
  runHook postFixup
}

installCheckPhase() {
  runHook preInstallCheck
  runHook postInstallCheck
}

distPhase() {
  runHook preDist
  runHook postDist
}

runPhase() {
  local curPhase=$1
  shift
  if [[ $curPhase == unpackPhase && -n ${dontUnpack:-} ]]; then return; fi
  if [[ $curPhase == patchPhase && -n ${dontPatch:-} ]]; then return; fi
  if [[ $curPhase == configurePhase && -n ${dontConfigure:-} ]]; then return; fi
  if [[ $curPhase == buildPhase && -n ${dontBuild:-} ]]; then return; fi
  if [[ $curPhase == checkPhase && -z ${doCheck:-} ]]; then return; fi
  if [[ $curPhase == installPhase && -n ${dontInstall:-} ]]; then return; fi
  if [[ $curPhase == fixupPhase && -n ${dontFixup:-} ]]; then return; fi
  if [[ $curPhase == installCheckPhase && -z ${doInstallCheck:-} ]]; then return; fi
  if [[ $curPhase == distPhase && -z ${doDist:-} ]]; then return; fi
  showPhaseHeader "$curPhase"
  # A variable with the phase's name replaces the function; it may call the function by its name.
  if [ -n "${!curPhase-}" ]; then eval "${!curPhase}"; else "$curPhase"; fi
  if [ "$curPhase" = unpackPhase ]; then
    if [ -n "${sourceRoot:-}" ]; then cd -- "$sourceRoot"; fi
  fi
}

definePhases() {
  if [ -n "${phases[*]-}" ]; then return 0; fi
  phases=()
  concatTo phases prePhases
  phases+=(unpackPhase patchPhase)
  concatTo phases preConfigurePhases
  phases+=(configurePhase)
  concatTo phases preBuildPhases
  phases+=(buildPhase checkPhase)
  concatTo phases preInstallPhases
  phases+=(installPhase)
  concatTo phases preFixupPhases
  phases+=(fixupPhase installCheckPhase)
  concatTo phases preDistPhases
  phases+=(distPhase)
  concatTo phases postPhases
}

genericBuild() {
  cd "$NIX_BUILD_TOP"
  if [ -n "${buildCommandPath:-}" ]; then
    # shellcheck disable=SC1090
    source "$buildCommandPath"
    return
  fi
  if [ -n "${buildCommand:-}" ]; then
    eval "$buildCommand"
    return
  fi
  definePhases
  local curPhase
  local -a phasesArray=()
  concatTo phasesArray phases
  for curPhase in "${phasesArray[@]}"; do runPhase "$curPhase"; done
}

# --- start ----
export SHELL=@shell@ CONFIG_SHELL=@shell@
: "${NIX_BUILD_TOP:=$(mktemp -d)}"
export HOME=${HOME:-/homeless-shelter}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH-315532800}
: "${NIX_BUILD_CORES:=1}"
export TZ=UTC LC_ALL=${LC_ALL-C} NIX_STORE=${NIX_STORE:-@storeDir@} ZERO_AR_DATE=1 DETERMINISTIC_BUILD=1 PYTHONHASHSEED=0
_PATH= _HOST_PATH=
PATH=@initialPath@
[ "$NIX_BUILD_CORES" -gt 0 ] || NIX_BUILD_CORES=$(nproc)
export NIX_BUILD_CORES
_activate
export PATH="${_PATH:+$_PATH:}${_HOST_PATH:+$_HOST_PATH:}@initialPath@"
export HOST_PATH="${HOST_PATH:+$HOST_PATH:}@initialPath@"
# As nixpkgs does: the package's own libraries are on its RPATH (fixup drops the entry when it is not used), and the
# compiler's random seed comes from the output's name.
if [ -n "${out-}" ]; then
  if [ "${NIX_NO_SELF_RPATH:-0}" != 1 ]; then NIX_LDFLAGS="-rpath $out/lib ${NIX_LDFLAGS-}"; fi
  _seed=$(basename "${NIX_OUTPATH_USED_AS_RANDOM_SEED:-$out}")
  NIX_CFLAGS_COMPILE="${NIX_CFLAGS_COMPILE-} -frandom-seed=${_seed:0:10}"
fi
export NIX_LDFLAGS NIX_CFLAGS_COMPILE
unset _PATH _HOST_PATH

runHook postHook
runHook userHook
# As in nixpkgs: packages' own code may use unset variables.
set +u
