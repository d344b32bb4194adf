# Evaluated by `uvlock2nix update-hash PROJECT`: the facts of the project's deps.
# Every value is passed with --argstr: no text is ever pasted into Nix.
{
  # Absolute path of python-deps.nix.
  file,
  # Absolute path of uvlock2nix's overlay.nix.
  overlay,
  # The hash to evaluate with; not written to any file.
  outputHash,
  system,
  nixpkgsPath ? "",
  nixpkgsUrl ? "",
  nixpkgsHash ? "",
  nixpkgsGit ? "",
  nixpkgsRev ? "",
  nixpkgsFlake ? "",
}:
let
  pkgs = import ./nixpkgs-source.nix {
    inherit
      overlay
      system
      nixpkgsPath
      nixpkgsUrl
      nixpkgsHash
      nixpkgsGit
      nixpkgsRev
      nixpkgsFlake
      ;
  };
  deps = pkgs.callPackage (/. + file) {
    inherit outputHash;
    skipLockCheck = true;
  };
in
{
  # Not drvPath and outPath: a set with these becomes a single string in JSON.
  drv = deps.drvPath;
  out = deps.outPath;
  inherit (deps) name;
  system = deps.system or system;
  mode = deps.outputHashMode or "flat";
  algo = deps.outputHashAlgo or "";
  key = deps.pinsKey or "";
  uv = deps.uv.version or "";
  python = deps.python.version or "";
  # The version of nixpkgs. A git checkout and a channel also know the commit.
  nixpkgs = pkgs.lib.trivial.version or "";
  revision = (pkgs.lib.trivial.revisionWithDefault or (text: text)) "";
}
