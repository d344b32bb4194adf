/**
  The source of a project's own packages: the files that git tracks if `root` has a `.git`, else everything except
  secrets and the output of tools, at every depth. Generated files are never part of it: otherwise each package would
  be rebuilt when only a hash changes.

  In a flake, `root` already has only tracked files, and no `.git`; the second rule then removes little.

  # Inputs

  `root`
  : The project's folder.

  `include`
  : Paths to include even if the rules leave them out.

  `exclude`
  : Paths to leave out even if the rules include them.

  # Type

  ```
  projectSource :: { root :: Path; include :: [ Path ] ? [ ]; exclude :: [ Path ] ? [ ]; } ->
    Source // { without :: [ String ] -> Source; }
  ```

  `without` gives the same source without some more files, named relative to `root`.

  # Examples

  :::{.example}
  ## `projectSource` usage example

  ```nix
  projectSource { root = ../.; exclude = [ ../data ]; include = [ ../src/app/cacert.pem ]; }
  ```
  :::
*/
{ lib }:

{
  root,
  include ? [ ],
  exclude ? [ ],
}:

let
  # Matched against the whole name of a file or folder.
  left = [
    # the output of tools
    "\\.(git|hg|svn|jj|direnv|tox|nox|eggs|idea|vscode|ipynb_checkpoints|terraform)"
    "\\.venv.*"
    "node_modules"
    "__pycache__"
    "\\..*_cache"
    ".*\\.(pyc|pyo|egg-info)"
    "\\.DS_Store"
    "\\.coverage.*"
    # secrets
    "\\.env.*"
    "\\.(netrc|pypirc|npmrc|pgpass|htpasswd|git-credentials|aws|ssh|gnupg|kube)"
    "_netrc"
    "id_(rsa|dsa|ecdsa|ed25519)(_sk)?(\\..*)?"
    ".*\\.(pem|key|p12|pfx|jks|keystore|kdbx|age|ovpn)"
  ];
  # Folders in which builds were made, whatever they are called: their caches name the place where that was.
  isBuilt =
    path:
    let
      has = name: builtins.pathExists (path + "/${name}");
    in
    has "pyvenv.cfg"
    || has ".rustc_info.json"
    || has "meson-private"
    || (has "CMakeCache.txt" && !has "CMakeLists.txt")
    # setuptools
    || builtins.match ".*/build/(lib|lib\\..*|temp\\..*|bdist\\..*|scripts-.*)" path != null;

  isLeft =
    path: type:
    let
      name = baseNameOf path;
    in
    lib.any (pattern: builtins.match pattern name != null) left
    # The result links of `nix build`.
    || (type == "symlink" && builtins.match "result(-.*)?" name != null)
    || (type == "directory" && isBuilt (toString path));

  cleaned = lib.fileset.fromSource (
    lib.cleanSourceWith {
      src = root;
      filter = path: type: !isLeft path type;
    }
  );
  tracked = if builtins.pathExists (root + "/.git") then lib.fileset.gitTracked root else cleaned;

  generated = map (name: root + "/${name}") [
    "nix"
    "flake.nix"
    "flake.lock"
  ];

  source =
    more:
    let
      without = lib.fileset.unions (map lib.fileset.maybeMissing (generated ++ exclude ++ more));
    in
    lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.unions ([ (lib.fileset.difference tracked without) ] ++ include);
    };
in
source [ ]
// {
  without = names: source (map (name: root + "/${name}") names);
}
