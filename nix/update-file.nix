# Evaluated by `uvlock2nix update-hash FILE.nix`: the facts of a fixed-output derivation in a handwritten file.
# Every value is passed with --argstr: no text is ever pasted into Nix.
{
  # Absolute path of the file.
  file,
  # Attribute path in its value, `a.b`; "" is the value itself.
  attr ? "",
  # A hash to evaluate with instead of the derivation's own; "" keeps that.
  outputHash ? "",
  # Absolute path of uvlock2nix's overlay.nix.
  overlay,
  system,
  nixpkgsPath ? "",
  nixpkgsUrl ? "",
  nixpkgsHash ? "",
  nixpkgsGit ? "",
  nixpkgsRev ? "",
  nixpkgsFlake ? "",
}:
let
  path = text: /. + text;
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
  content = import (path file);
  # Called as by `nix-build`: a function's own defaults win, and only arguments without one are passed. So a file that
  # pins its nixpkgs is evaluated with it, and a file that needs none needs none here.
  wanted = builtins.functionArgs content;
  required = builtins.filter (name: !wanted.${name}) (builtins.attrNames wanted);
  given = builtins.listToAttrs (
    map (name: {
      inherit name;
      value =
        if name == "pkgs" then
          pkgs
        else if name == "system" then
          system
        else
          pkgs.${name}
            or (throw "uvlock2nix: ${file} requires the argument `${name}`, which nixpkgs does not have");
    }) required
  );
  called =
    if !(builtins.isFunction content) then
      content
    else if wanted == { } then
      content pkgs
    else
      content given;
  steps = builtins.filter builtins.isString (builtins.split "\\." attr);
  selected = builtins.foldl' (
    value: step:
    if builtins.isAttrs value && value ? ${step} then
      value.${step}
    else
      throw "uvlock2nix: ${file} has no attribute ${attr}"
  ) called (if attr == "" then [ ] else steps);

  isFixed = value: builtins.isAttrs value && (value.type or "") == "derivation" && value ? outputHash;
  # The attributes in which nixpkgs' builders keep a package's fixed-output derivation.
  inner = [
    "deps"
    "npmDeps"
    "goModules"
    "pnpmDeps"
    "yarnOfflineCache"
    "offlineCache"
    "mvnDeps"
    "fetchedMavenDeps"
    "mixFodDeps"
    "composerVendor"
  ];
  found = builtins.filter (name: isFixed (selected.${name} or null)) inner;
  cargo = selected.cargoDeps.vendorStaging or selected.cargoDeps or null;
  fixed =
    if isFixed selected then
      selected
    else if !(builtins.isAttrs selected) then
      throw "uvlock2nix: ${file} does not evaluate to a derivation; select one with --attr"
    else if builtins.length found == 1 then
      selected.${builtins.head found}
    else if found == [ ] && isFixed cargo then
      cargo
    else
      throw (
        "uvlock2nix: ${file} gives no fixed-output derivation; --attr names one inside it: "
        + builtins.concatStringsSep ", " (
          if found != [ ] then
            found
          else
            builtins.filter (
              name:
              let
                tried = builtins.tryEval (selected.${name} or null);
              in
              tried.success && isFixed tried.value
            ) (builtins.attrNames selected)
        )
      );
  # The same arguments of the derivation, with a different hash: attributes derived from the old hash are kept.
  deps = if outputHash == "" then fixed else derivation (fixed.drvAttrs // { inherit outputHash; });
  position = builtins.unsafeGetAttrPos "outputHash" fixed;
in
{
  inherit (fixed) name;
  drv = if outputHash == "" then "" else deps.drvPath;
  out = if outputHash == "" then "" else deps.outPath;
  system = fixed.system or system;
  mode = fixed.outputHashMode or "flat";
  algo = if (fixed.outputHashAlgo or null) == null then "" else fixed.outputHashAlgo;
  hash = fixed.outputHash;
  line = if position != null && toString position.file == file then toString position.line else "";
}
