# shellcheck shell=bash
# Install the packages of a uv.lock into $out, the same way every time.
#
# For a fixed-output derivation whose source has uv.lock and the pyproject.toml files. Attributes:
#   uvSyncFlags         uv's selection flags, as --extra=NAME (list)
#   uvSyncInterpreter   the Python to install for (path of the program)
#   uvSyncPython        its version
#   uvSyncSystem        the system, as x86_64-linux
#   uvSyncLibc          the C library's baseline, as glibc-2.40 (optional)
#   uvSyncMacos         the oldest macOS, as 14.0 (optional)
#   uvSyncExcludeNewer  build requirements published later are not seen, RFC 3339 (optional)
#   uvSyncNoBinary      packages to build although a wheel fits (list, optional)
#   uvSyncExclude       packages that come from elsewhere (list, optional)
#   uvSyncNative        JSON: what each build from source needs (optional)
#   referenceInputs     attribute -> store path: the names of libraries that compiled files need (as for
#                       strip-references-hook; optional)
#   uvSyncCollisions    JSON: path -> the package whose bytes are kept (optional)
#   uvSyncKey           what the environment must be, as `uvlock2nix generate` wrote it (optional)
#   dontUseUvSync       leaves the phases alone

uvSyncBuildPhase() {
  echo "Executing uvSyncBuildPhase"
  runHook preBuild

  local -a flags=()
  concatTo flags uvSyncFlags
  local -a exclude=()
  concatTo exclude uvSyncExclude
  local name
  for name in "${exclude[@]}"; do
    flags+=("--exclude=$name")
  done
  local -a noBinary=()
  concatTo noBinary uvSyncNoBinary
  for name in "${noBinary[@]}"; do
    flags+=("--no-binary-package=$name")
  done
  if [ -n "${uvSyncLibc-}" ]; then flags+=("--libc=$uvSyncLibc"); fi
  if [ -n "${uvSyncMacos-}" ]; then flags+=("--macos=$uvSyncMacos"); fi
  if [ -n "${uvSyncExcludeNewer-}" ]; then flags+=("--exclude-newer=$uvSyncExcludeNewer"); fi
  if [ -n "${uvSyncNative-}" ]; then flags+=("--native=$uvSyncNative"); fi
  if [ -n "${uvSyncCollisions-}" ]; then flags+=("--collisions=$uvSyncCollisions"); fi
  if [ -n "${uvSyncKey-}" ]; then flags+=("--key=$uvSyncKey"); fi

  # shellcheck disable=SC2154 # the derivation sets it, as text, list or table
  case "$(declare -p referenceInputs 2>/dev/null)" in
    "declare -A"*) for name in "${!referenceInputs[@]}"; do flags+=("--input=$name=${referenceInputs[$name]}"); done ;;
    "declare -a"*) for name in "${referenceInputs[@]}"; do flags+=("--input=$name"); done ;;
    "") ;;
    *) flags+=("--inputs=$referenceInputs") ;;
  esac

  # The daemon's certificates win over ours: behind a proxy only they are right.
  if [ -n "${NIX_SSL_CERT_FILE-}" ] && [ -e "$NIX_SSL_CERT_FILE" ]; then
    export SSL_CERT_FILE=$NIX_SSL_CERT_FILE
  fi

  # shellcheck disable=SC2154 # set by the derivation
  @uvlock2nix@ sync "$PWD" \
    --out "$out" \
    --work "$NIX_BUILD_TOP/uvlock2nix" \
    --interpreter "$uvSyncInterpreter" \
    --python "$uvSyncPython" \
    --system "$uvSyncSystem" \
    --cores "${NIX_BUILD_CORES:-1}" \
    --uv "@uv@" \
    "${flags[@]}"

  runHook postBuild
  echo "Finished executing uvSyncBuildPhase"
}

uvSyncInstallPhase() {
  # $out is made by the build phase: nothing is copied twice.
  runHook preInstall
  runHook postInstall
}

if [ -z "${dontUseUvSync-}" ]; then
  if [ -z "${buildPhase-}" ]; then buildPhase=uvSyncBuildPhase; fi
  if [ -z "${installPhase-}" ]; then installPhase=uvSyncInstallPhase; fi
fi
