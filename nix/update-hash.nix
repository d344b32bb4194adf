# What `uvlock2nix update-hash` evaluates. Every value comes by --argstr: no text is ever pasted into Nix.
{
  # Absolute path of the python-deps.nix.
  file,
  # Absolute path of uvlock2nix's overlay.nix.
  overlay,
  # The hash to evaluate with; not written to any file.
  outputHash,
  system,
  # Where nixpkgs comes from: one of these, else <nixpkgs>.
  nixpkgsPath ? "",
  nixpkgsUrl ? "",
  nixpkgsHash ? "",
  nixpkgsGit ? "",
  nixpkgsRev ? "",
  nixpkgsFlake ? "",
}:
let
  path = text: /. + text;
  source =
    if nixpkgsPath != "" then
      path nixpkgsPath
    else if nixpkgsUrl != "" && nixpkgsHash != "" then
      builtins.fetchTarball {
        url = nixpkgsUrl;
        sha256 = nixpkgsHash;
      }
    else if nixpkgsUrl != "" then
      builtins.fetchTarball nixpkgsUrl
    else if nixpkgsGit != "" then
      builtins.fetchGit {
        url = nixpkgsGit;
        rev = nixpkgsRev;
        allRefs = true;
      }
    else if nixpkgsFlake != "" then
      (builtins.getFlake nixpkgsFlake).outPath
    else
      <nixpkgs>;
  pkgs = import source {
    inherit system;
    config = { };
    overlays = [ (import (path overlay)) ];
  };
  deps = pkgs.callPackage (path file) {
    inherit outputHash;
    skipLockCheck = true;
  };
in
{
  # Not drvPath and outPath: a set that has those is written as one text in JSON.
  drv = deps.drvPath;
  out = deps.outPath;
  inherit (deps) name;
  system = deps.system or system;
  mode = deps.outputHashMode or "flat";
  algo = deps.outputHashAlgo or "";
  key = deps.pinsKey or "";
  uv = deps.uv.version or pkgs.uv.version or "";
  python = deps.python.version or "";
}
