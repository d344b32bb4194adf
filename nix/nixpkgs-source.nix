# The nixpkgs that update-hash evaluates with: from the argument that is not empty, else <nixpkgs>.
{
  overlay,
  system,
  nixpkgsPath,
  nixpkgsUrl,
  nixpkgsHash,
  nixpkgsGit,
  nixpkgsRev,
  nixpkgsFlake,
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
in
import source {
  inherit system;
  config = { };
  overlays = [ (import (path overlay)) ];
}
