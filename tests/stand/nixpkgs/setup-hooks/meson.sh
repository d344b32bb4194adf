# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' meson: configurePhase when the derivation has none, and in it the phases that ninja's hook has taken.
mesonConfigurePhase() {
  runHook preConfigure
  : "${mesonBuildDir:=build}"
  local flagsArray=("--libdir=${!outputLib}/lib" "--buildtype=${mesonBuildType:-plain}" "-Dauto_features=${mesonAutoFeatures:-enabled}"
    "-Dwrap_mode=${mesonWrapMode:-nodownload}")
  if [ -z "${dontAddPrefix-}" ]; then flagsArray+=("--prefix=${prefix:-$out}"); fi
  concatTo flagsArray mesonFlags mesonFlagsArray
  echoCmd 'mesonConfigurePhase flags' "${flagsArray[@]}"
  meson setup "$mesonBuildDir" "${flagsArray[@]}"
  cd "$mesonBuildDir" || exit 1
  if ! [[ -v enableParallelBuilding ]]; then enableParallelBuilding=1; fi
  if [[ ${checkPhase-ninjaCheckPhase} = ninjaCheckPhase && -z ${dontUseMesonCheck-} ]]; then checkPhase=mesonCheckPhase; fi
  if [[ ${installPhase-ninjaInstallPhase} = ninjaInstallPhase && -z ${dontUseMesonInstall-} ]]; then installPhase=mesonInstallPhase; fi
  runHook postConfigure
}
mesonCheckPhase() {
  runHook preCheck
  local flagsArray=()
  concatTo flagsArray mesonCheckFlags mesonCheckFlagsArray
  meson test --no-rebuild --print-errorlogs "${flagsArray[@]}"
  runHook postCheck
}
mesonInstallPhase() {
  runHook preInstall
  local flagsArray=()
  concatTo flagsArray mesonInstallFlags mesonInstallFlagsArray
  meson install --no-rebuild "${flagsArray[@]}"
  runHook postInstall
}
if [ -z "${dontUseMesonConfigure-}" ] && [ -z "${configurePhase-}" ]; then
  setOutputFlags=
  configurePhase=mesonConfigurePhase
fi
