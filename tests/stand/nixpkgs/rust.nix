# `rustPlatform`: what nixpkgs' importCargoLock and cargo hooks do. Crates come from Debian's librust-*-dev packages, which keep the
# registry's checksum of each crate; a crate that no such package has is an error that names it.
{ lib, final, crates, hookOf }:
let
  crate = package: final.runCommand "${package.name}-${package.version}" { } ''
    source=${crates}/share/cargo/registry/${package.name}-${package.version}
    if [ ! -d "$source" ]; then
      echo "the stand has no crate ${package.name} ${package.version}, only: $(cd ${crates}/share/cargo/registry && echo *)" >&2
      exit 1
    fi
    if ! grep -qF ${lib.escapeShellArg (package.checksum or "no checksum")} "$source/.cargo-checksum.json"; then
      echo "hash mismatch: crate ${package.name} ${package.version} is not ${package.checksum or "a crate with a checksum"}: $(cat "$source/.cargo-checksum.json")" >&2
      exit 1
    fi
    cp -r "$source" $out
    chmod -R u+w $out
    printf '{"files":{},"package":"${package.checksum or ""}"}' > $out/.cargo-checksum.json
  '';
  importCargoLock = { lockFile ? null, lockFileContents ? null, outputHashes ? { }, allowBuiltinFetchGit ? false, ... }:
    let
      text = if lockFile != null then builtins.readFile lockFile else lockFileContents;
      packages = lib.filter (package: package ? source) (builtins.fromTOML text).package;
      fetched = package:
        let git = builtins.match "git\\+([^?]+)(\\?(rev|tag|branch)=(.*))?#(.*)" package.source; in
        if lib.hasPrefix "registry+" package.source || lib.hasPrefix "sparse+" package.source then crate package
        else if git == null then throw "Cannot handle crate source: ${package.source}"
        else if allowBuiltinFetchGit then throw "the stand has no crates from git"
        else throw ''
          No hash was found while vendoring the git dependency ${package.name}-${package.version}. You can add
          a hash through the `outputHashes` argument of `importCargoLock`
        '';
    in
    assert (lockFile == null) != (lockFileContents == null);
    final.runCommand "cargo-vendor-dir"
      ({ inherit text; passAsFile = [ "text" ]; } // lib.optionalAttrs (lockFile != null) { passthru = { inherit lockFile; }; }) ''
      mkdir -p $out/.cargo
      cp $textPath $out/Cargo.lock
      printf '[source.crates-io]\nreplace-with = "vendored-sources"\n\n[source.vendored-sources]\ndirectory = "cargo-vendor-dir"\n' > $out/.cargo/config.toml
      for crate in ${toString (map fetched packages)}; do
        ln -s "$crate" $out/$(basename "$crate" | cut -c 34-)
      done
    '';
in
{
  inherit importCargoLock;
  inherit (final) cargo rustc;
  cargoSetupHook = hookOf "cargo-setup" [ ];
  cargoBuildHook = hookOf "cargo-build" [ ];
  cargoInstallHook = hookOf "cargo-install" [ ];
  maturinBuildHook = hookOf "maturin-build" [ final.cargo final.rustc ];
  fetchCargoVendor = _: throw "the stand cannot fetch crates: use importCargoLock";
}
