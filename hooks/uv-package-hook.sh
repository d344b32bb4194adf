# shellcheck shell=bash
# Build the project's own packages offline and put them over an environment.
#
# The output `venv` gets everything: every program, bin/python, all that `uv sync` would install. `out` gets what a
# user installs: links to the programs of uvPackageExpose. Without an output `venv`, `out` is that environment.
#
# Attributes:
#   uvPackageEnv          the environment below; or JSON: the options with which `venv join` makes it
#   uvPackageLocal        their packages, built and installed by uvPackageProduct=local, instead of building them (optional)
#   uvPackageRequires     their build requirements: the `build` output of the environment
#   uvPackageInterpreter  the Python that runs it (path of the program)
#   uvPackageBuilder      the same Python for the build platform, which runs the builds (optional)
#   uvPackageMembers      NAME=PATH of each package, paths relative to the source, spaces percent-encoded (list)
#   uvPackageNative       JSON: each package's native inputs, as uvSyncNative of uv-sync-hook (optional)
#   uvPackageVersion      the version of packages that take theirs from git (optional)
#   uvPackageVersions     JSON: the versions of packages that differ (optional)
#   uvPackageExtra        more packages: of nixpkgs, or environments of a lock (list, optional)
#   uvPackageUnread       files of src that no build of the packages reads, for uvPackageHook.localPackages (list, optional)
#   uvPackageProduct      wheel or sdist: instead of an environment, the files of the exposed packages; local: the
#                         packages installed, built without uvPackageEnv (optional)
#   uvPackagePython       with local: the minor version of the interpreter
#   uvPackageSystem       with local: the system, such as x86_64-linux
#   uvPackageScript       a script that becomes a program, then the files that it needs, as such paths (list)
#   uvPackageExpose       the packages whose programs are in bin of `out` (list)
#   dontCompileBytecode   if set, leave bytecode out
#   uvKeepPhases          phases of inputs' setup hooks to keep (list, optional)
#   dontUseUvPackage      if set, do nothing
#   preInstall, postInstall: hooks

# shellcheck disable=SC2154 # the derivation sets what is read here
# shellcheck source=hooks/common.sh
source @common@

_uvlock2nixPackageFlags() { # append to the array `flags` what packages are built and installed with
  flags+=(--requires "$uvPackageRequires" --work "$NIX_BUILD_TOP/uvlock2nix" --uv "@uv@")
  flags+=(--interpreter "$uvPackageInterpreter" --cores "${NIX_BUILD_CORES:-1}")
  _uvlock2nixOptions --member uvPackageMembers
  _uvlock2nixOption --builder "${uvPackageBuilder-}"
  _uvlock2nixOption --native "${uvPackageNative-}"
  _uvlock2nixOption --version "${uvPackageVersion-}"
  _uvlock2nixOption --versions "${uvPackageVersions-}"
  if [[ -n "${dontCompileBytecode-}" ]]; then flags+=(--no-bytecode); fi
}

_uvlock2nixPackageInstall() {
  local environment="${venv:-$out}"
  local -a flags=() words=()
  _uvlock2nixPackageFlags
  if [[ "${uvPackageProduct-}" == local ]]; then
    @uvlock2nix@ venv local "$out" --python "$uvPackagePython" --system "$uvPackageSystem" "${flags[@]}"
    return
  fi
  _uvlock2nixOption --local "${uvPackageLocal-}"
  _uvlock2nixOptions --script uvPackageScript
  _uvlock2nixOptions --extra uvPackageExtra
  if [[ -n "${uvPackageProduct-}" ]]; then
    _uvlock2nixOption --product "$uvPackageProduct"
    _uvlock2nixOptions --only uvPackageExpose
  fi
  _uvlock2nixOption --compiler "${CC-}"
  # Compiled files are in the environment: a search path into `out`, which links to it, would make a cycle.
  read -r -d '' -a words <<<"${NIX_LDFLAGS-}" || true
  if ((${#words[@]} > 0)); then export NIX_LDFLAGS="${words[*]//"$out"/"$environment"}"; fi

  if [[ "$environment" != "$out" ]]; then
    flags+=(--expose-to "$out")
    _uvlock2nixOptions --expose uvPackageExpose
  fi

  @uvlock2nix@ venv package --env "$uvPackageEnv" --out "$environment" "${flags[@]}"
}

# Where the packages are installed already, nothing reads the source, unless the derivation does.
_uvlock2nixPackageSource() {
  if [[ -n "${uvPackageLocal-}" && -z "${doInstallCheck-}" ]] &&
    _uvlock2nixNoHooks preInstall postInstall && _uvlock2nixNoTexts preFixup postFixup; then
    _uvlock2nixSkipPhase unpackPhase
    _uvlock2nixSkipPhase patchPhase
  fi
}

uvPackageInstallPhase() { _uvlock2nixRun uvPackageInstallPhase Install _uvlock2nixPackageInstall; }

if [[ -z "${dontUseUvPackage-}" ]]; then
  _uvlock2nixOwnPhases phases
  _uvlock2nixSkipPhase configurePhase
  _uvlock2nixSkipPhase buildPhase
  _uvlock2nixSetPhase installPhase uvPackageInstallPhase
  # Fixup handles the interpreters of scripts, and symlinks. Files from wheels and compilers are left unchanged, and
  # nothing moves between `out` and `venv`, because one links to the other.
  : "${dontStrip=1}" "${dontPatchELF=1}" "${dontGzipMan=1}"
  _uvlock2nixUnwanted=" _multioutDocs _multioutDevs "
  _uvlock2nixFewLinks
  if [[ " ${postHooks[*]-} " != *" _uvlock2nixPackageSource "* ]]; then postHooks+=(_uvlock2nixPackageSource); fi
fi
