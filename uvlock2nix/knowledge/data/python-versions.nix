# What `uvlock2nix index update` evaluates: the versions of one Python set of a nixpkgs.
# Every value comes by --argstr: no text is ever pasted into Nix.
{
  # "python313"
  python,
  # A JSON list of attribute names to describe; empty: list the names.
  names ? "",
  system ? builtins.currentSystem,
  nixpkgsPath ? "",
  nixpkgsUrl ? "",
  nixpkgsHash ? "",
  nixpkgsGit ? "",
  nixpkgsRev ? "",
  nixpkgsFlake ? "",
}:
let
  source =
    if nixpkgsPath != "" then
      /. + nixpkgsPath
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
    overlays = [ ];
    # Broken and unfree packages are listed and marked, not left out; aliases would be listed twice.
    config = {
      allowAliases = false;
      allowBroken = true;
      allowUnfree = true;
      allowUnsupportedSystem = true;
    };
  };
  set = pkgs.${python}.pkgs or { };
  # tryEval catches `throw` and `assert`; the caller asks again in smaller parts when something else fails.
  try =
    default: value:
    let
      result = builtins.tryEval (builtins.deepSeq value value);
    in
    if result.success then result.value else default;
  text = value: if builtins.isString value then builtins.unsafeDiscardStringContext value else null;
  describe =
    name:
    let
      package = set.${name};
      isPackage =
        builtins.isAttrs package && (package.type or null) == "derivation" && package ? pythonModule;
    in
    try null (
      if isPackage then
        {
          pname = try null (text (package.pname or null));
          version = try null (text (package.version or null));
          name = try null (text (package.name or null));
          # Set by fetchPypi: the name as PyPI spells it.
          pypi = try null (text (package.src.pname or null));
          usable = try false (!(package.meta.broken or false) && !(package.meta.unsupported or false));
        }
      else
        null
    );
in
if names == "" then
  {
    names = builtins.attrNames set;
    version = try "" (text (pkgs.lib.trivial.version or ""));
    default = try "" (text (pkgs.python3.pythonVersion or ""));
  }
else
  builtins.listToAttrs (
    map (name: {
      inherit name;
      value = describe name;
    }) (builtins.filter (name: set ? ${name}) (builtins.fromJSON names))
  )
