# shellcheck shell=bash
# Make an environment of a deps: copy it to $out, and finish it after its references are restored. Or join packages
# that have store paths of their own, by links.
#
# Attributes:
#   pythonDeps         the output of deps
#   uvEnvJoin          instead of it: packages that uv-wheel-hook has installed (list)
#   uvEnvLinkMode      with it: `symlink`, or `copy` for one tree (optional)
#   uvEnvPython        with it: the minor version of the interpreter
#   uvEnvSystem        with it: the system, as x86_64-linux
#   uvEnvLibraries     with it: folders with libraries (list, optional)
#   uvEnvIgnore        with it: names or patterns of libraries that need not be found (list, optional)
#   uvEnvInterpreter   the Python that runs the environment (path of the program)
#   uvEnvBuilder       the same Python for the machine that builds, which compiles the modules (optional)
#   uvEnvPackages      packages of nixpkgs to link into it (list, optional)
#   uvEnvKeep          PATH=PACKAGE: the package that wins a path that packages of nixpkgs and of deps have (list, optional)
#   referencesDlopen   PACKAGE=DIR[:DIR]: where packages open libraries by name; ctypes finds them there (list, optional)
#   dontCompileBytecode  set: no bytecode is made
#   uvKeepPhases       phases that inputs' setup hooks add and that are wanted (list, optional)
#   dontUseUvEnv       set: do nothing
#   preInstall, postInstall, preUvEnvFinish, postUvEnvFinish: hooks
# A second output `build`, where there is one, gets what builds the project's own packages.
# The hook comes after restoreReferencesHook in nativeBuildInputs: it finishes what that one has restored.

# shellcheck disable=SC2154 # the derivation sets what is read here
# shellcheck source=hooks/common.sh
source @common@

_uvlock2nixEnvInstall() {
  if [[ -z "${uvEnvPython-}" ]]; then
    @uvlock2nix@ venv copy "$pythonDeps" "$out"
    return
  fi
  local -a flags=()
  _uvlock2nixOptions --package uvEnvJoin
  _uvlock2nixOptions --library uvEnvLibraries
  _uvlock2nixOptions --ignore uvEnvIgnore
  _uvlock2nixOptions --keep uvEnvKeep
  _uvlock2nixOption --link-mode "${uvEnvLinkMode-}"
  @uvlock2nix@ venv join "$out" --python "$uvEnvPython" --system "$uvEnvSystem" "${flags[@]}"
}

_uvlock2nixEnvFinish() {
  local -a flags=()
  _uvlock2nixOption --build-to "${build-}"
  if [[ -n "${uvEnvPython-}" && "${uvEnvLinkMode-}" != copy ]]; then flags+=(--linked); fi
  _uvlock2nixOption --builder "${uvEnvBuilder-}"
  _uvlock2nixOptions --package uvEnvPackages
  _uvlock2nixOptions --keep uvEnvKeep
  if [[ -n "${dontCompileBytecode-}" ]]; then flags+=(--no-bytecode); fi
  _uvlock2nixOptions --dlopen referencesDlopen
  @uvlock2nix@ venv finish "$out" \
    --interpreter "$uvEnvInterpreter" \
    --cores "${NIX_BUILD_CORES:-1}" \
    "${flags[@]}"
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
