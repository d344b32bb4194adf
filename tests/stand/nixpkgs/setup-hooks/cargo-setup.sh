# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154,SC2034,SC2086,SC2206
# As nixpkgs' cargoSetupHook: crates come from cargoDeps, whose Cargo.lock must be the source's.
cargoSetupPostUnpackHook() {
  echo "Executing cargoSetupPostUnpackHook"
  if [ -z "${cargoVendorDir-}" ]; then
    if [ -d "$cargoDeps" ]; then
      local dest
      dest=$(stripHash "$cargoDeps")
      cp -Lr --reflink=auto -- "$cargoDeps" "$dest"
      chmod -R +644 -- "$dest"
    else
      unpackFile "$cargoDeps"
    fi
    cargoDepsCopy=$(realpath "$(stripHash "$cargoDeps")")
    export cargoDepsCopy
  else
    cargoDepsCopy=$(realpath "$(pwd)/$sourceRoot/${cargoRoot:+$cargoRoot/}$cargoVendorDir")
  fi
  mkdir -p .cargo
  substitute "$cargoDepsCopy/.cargo/config.toml" .cargo/config.new --subst-var-by vendor "$cargoDepsCopy"
  cat .cargo/config.new >>.cargo/config.toml
  rm .cargo/config.new
  echo "Finished cargoSetupPostUnpackHook"
}
cargoSetupPostPatchHook() {
  echo "Executing cargoSetupPostPatchHook"
  if ! diff "$(pwd)/${cargoRoot:+$cargoRoot/}Cargo.lock" "$cargoDepsCopy/Cargo.lock"; then
    echo "ERROR: cargoHash or cargoSha256 is out of date" >&2
    exit 1
  fi
  unset cargoDepsCopy
  echo "Finished cargoSetupPostPatchHook"
}
if [ -z "${dontCargoSetupPostUnpack-}" ]; then postUnpackHooks+=(cargoSetupPostUnpackHook); fi
if [ -z "${cargoVendorDir-}" ]; then postPatchHooks+=(cargoSetupPostPatchHook); fi
