# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' cmake: its prefix path by environment hook, and configurePhase when the derivation has none.
addCMakeParams() { addToSearchPath NIXPKGS_CMAKE_PREFIX_PATH "$1"; }

cmakeConfigurePhase() {
  runHook preConfigure
  : "${cmakeBuildDir:=build}"
  if [ -z "${dontUseCmakeBuildDir-}" ]; then
    mkdir -p "$cmakeBuildDir"
    cd "$cmakeBuildDir" || exit 1
    : "${cmakeDir:=..}"
  else
    : "${cmakeDir:=.}"
  fi
  local flagsArray=("-DCMAKE_BUILD_TYPE=${cmakeBuildType:-Release}")
  if [ -z "${dontAddPrefix-}" ]; then flagsArray+=("-DCMAKE_INSTALL_PREFIX=${prefix:-$out}"); fi
  flagsArray+=("-DCMAKE_INSTALL_LIBDIR=${!outputLib}/lib" "-DCMAKE_INSTALL_BINDIR=${!outputBin}/bin")
  if [ "${buildPhase-}" = ninjaBuildPhase ]; then flagsArray+=(-GNinja); fi
  concatTo flagsArray cmakeFlags cmakeFlagsArray
  echoCmd 'cmake flags' "${flagsArray[@]}"
  cmake "$cmakeDir" "${flagsArray[@]}"
  if ! [[ -v enableParallelBuilding ]]; then enableParallelBuilding=1; fi
  runHook postConfigure
}

if [ -z "${dontUseCmakeConfigure-}" ] && [ -z "${configurePhase-}" ]; then
  setOutputFlags=
  configurePhase=cmakeConfigurePhase
fi
addEnvHooks "$targetOffset" addCMakeParams

makeCmakeFindLibs() {
  local flag next=
  for flag in ${NIX_CFLAGS_COMPILE-} ${NIX_LDFLAGS-}; do
    if [ -n "$next" ] && [ -d "$flag" ]; then addToSearchPath CMAKE_INCLUDE_PATH "$flag"; fi
    next=
    case $flag in
      -isystem) next=1 ;;
      -I*) addToSearchPath CMAKE_INCLUDE_PATH "${flag:2}" ;;
      -L*) addToSearchPath CMAKE_LIBRARY_PATH "${flag:2}" ;;
    esac
  done
}
postHooks+=(makeCmakeFindLibs)

cmakePcfileCheckPhase() {
  local file
  while IFS= read -r -d '' file; do
    if grep -q '}//nix/store' "$file"; then
      echo "Broken paths found in a .pc file! $file" >&2
      exit 1
    fi
  done < <(find "${!outputDev}" -iname '*.pc' -print0)
}
postFixupHooks+=(cmakePcfileCheckPhase)
