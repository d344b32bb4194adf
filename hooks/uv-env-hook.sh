# shellcheck shell=bash
# Make an environment of a deps: restoreReferencesHook creates $out from it, with its references restored, and this hook
# finishes it. Or join packages with store paths of their own with symlinks.
#
# Attributes:
#   pythonDeps         the output of deps
#   uvEnvJoin          instead of it: packages that uv-wheel-hook installed (list)
#   uvEnvLinkMode      `symlink`: links to the packages; `copy`: a single tree (optional; by default links with
#                      uvEnvJoin, copies of pythonDeps)
#   uvEnvPython        with it: the minor version of the interpreter
#   uvEnvSystem        with it: the system, such as x86_64-linux
#   uvEnvLibraries     with it: folders with libraries (list, optional)
#   uvEnvIgnore        with it: names or patterns of libraries that may be missing (list, optional)
#   uvEnvInterpreter   the Python that runs the environment (path of the program)
#   uvEnvBuilder       the same Python for the build platform, which compiles the modules (optional)
#   uvEnvPackages      packages of nixpkgs to link into it (list, optional)
#   uvEnvKeep          PATH=PACKAGE: the package that wins a path of packages of both nixpkgs and deps (list, optional)
#   referencesDlopen   PACKAGE=DIR[:DIR]: where packages open libraries by name; ctypes finds them there (list, optional)
#   dontCompileBytecode  if set, leave bytecode out
#   uvKeepPhases       phases of inputs' setup hooks to keep (list, optional)
#   dontUseUvEnv       if set, do nothing
#   preInstall, postInstall, preUvEnvFinish, postUvEnvFinish: hooks
# A second output `build`, if there is one, gets the build requirements of the project's own packages.
# The hook must come after restoreReferencesHook in nativeBuildInputs, whose result it finishes. If something else is to
# run between installPhase and restoreReferencesPhase, deps is copied before.

# shellcheck disable=SC2154 # the derivation sets what is read here
# shellcheck source=hooks/common.sh
source @common@

# Whether the next thing that happens to $out is that restore-references-hook restores it, as it usually does.
_uvlock2nixEnvRestores() {
  local -a phases=()
  mapfile -d '' -t phases < <(_uvlock2nixWords preFixupPhases)
  [[ "${phases[0]-}" == restoreReferencesPhase && -z "${referencesFrom-}${referencesTree-}${referencesManifest-}" ]] &&
    _uvlock2nixNoHooks postInstall preRestoreReferences && [[ ! -e "$out" ]]
}

_uvlock2nixEnvCreate() {
  if _uvlock2nixEnvRestores; then
    referencesFrom=$pythonDeps
    # shellcheck disable=SC2034 # restore-references-hook reads it
    if [[ "${uvEnvLinkMode-}" == symlink ]]; then referencesLink=1; fi
    return
  fi
  if [[ "${uvEnvLinkMode-}" == symlink ]]; then
    echo "uvlock2nix: env is a copy: links are read-only, and this derivation changes its files before they are restored"
  fi
  @uvlock2nix@ venv copy "$pythonDeps" "$out"
}

_uvlock2nixEnvInstall() {
  if [[ -z "${uvEnvPython-}" ]]; then
    _uvlock2nixEnvCreate
    return
  fi
  local -a flags=()
  _uvlock2nixEnvFlags
  _uvlock2nixOptions --join uvEnvJoin
  _uvlock2nixOptions --library uvEnvLibraries
  _uvlock2nixOptions --ignore uvEnvIgnore
  _uvlock2nixOption --link-mode "${uvEnvLinkMode-}"
  if _uvlock2nixAlone uvEnvFinishPhase UvEnvFinish; then
    _uvlock2nixEnvFinished=1
    flags+=(--then-finish)
  fi
  @uvlock2nix@ venv join "$out" --python "$uvEnvPython" --system "$uvEnvSystem" "${flags[@]}"
}

_uvlock2nixEnvFlags() { # append to the array `flags` what an environment is finished with
  flags+=(--interpreter "$uvEnvInterpreter" --cores "${NIX_BUILD_CORES:-1}")
  _uvlock2nixOption --build-to "${build-}"
  _uvlock2nixOption --builder "${uvEnvBuilder-}"
  _uvlock2nixOptions --package uvEnvPackages
  _uvlock2nixOptions --keep uvEnvKeep
  if [[ -n "${dontCompileBytecode-}" ]]; then flags+=(--no-bytecode); fi
  _uvlock2nixOptions --dlopen referencesDlopen
}

_uvlock2nixEnvFinish() {
  local -a flags=()
  if [[ -n "${_uvlock2nixEnvFinished-}" ]]; then return 0; fi
  _uvlock2nixEnvFlags
  if [[ -n "${uvEnvPython-}" && "${uvEnvLinkMode-}" != copy ]]; then flags+=(--linked); fi
  @uvlock2nix@ venv finish "$out" "${flags[@]}"
}

uvEnvInstallPhase() { _uvlock2nixRun uvEnvInstallPhase Install _uvlock2nixEnvInstall; }
uvEnvFinishPhase() { _uvlock2nixRun uvEnvFinishPhase UvEnvFinish _uvlock2nixEnvFinish; }

if [[ -z "${dontUseUvEnv-}" ]]; then
  _uvlock2nixOwnPhases all
  _uvlock2nixSkipPhase configurePhase
  _uvlock2nixSkipPhase buildPhase
  _uvlock2nixSetPhase installPhase uvEnvInstallPhase
  _uvlock2nixAddPhase preFixupPhases uvEnvFinishPhase
fi
