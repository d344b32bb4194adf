# What `uvlock2nix update-hash PROJECT` evaluates: the facts of the project's deps.
# Every value comes by --argstr: no text is ever pasted into Nix.
{
  # Absolute path of the python-deps.nix.
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
  # Not drvPath and outPath: a set that has those is written as one text in JSON.
  drv = deps.drvPath;
  out = deps.outPath;
  inherit (deps) name;
  system = deps.system or system;
  mode = deps.outputHashMode or "flat";
  algo = deps.outputHashAlgo or "";
  key = deps.pinsKey or "";
  uv = deps.uv.version or "";
  python = deps.python.version or "";
  # Which nixpkgs this is. The commit is known to a git checkout and to a channel.
  nixpkgs = pkgs.lib.trivial.version or "";
  revision = (pkgs.lib.trivial.revisionWithDefault or (text: text)) "";
}
