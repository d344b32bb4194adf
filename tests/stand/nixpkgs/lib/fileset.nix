# File sets: a set is a predicate over absolute path strings plus the base that it lies below.
# Meaning as in the nixpkgs manual, "lib.fileset"; the representation is our own.
{ lib }:
let
  inherit (lib) any filter hasPrefix;
  tag = "uvlock2nix-stand-fileset";
  # `bases`: the paths below which all of it is.
  make = bases: contains: { _type = tag; inherit bases contains; };
  isSet = v: v._type or null == tag;
  kind = path:
    if builtins ? readFileType then builtins.readFileType path
    else (builtins.readDir (dirOf path)).${baseNameOf path};
  ofPath = path:
    let p = toString path; directory = kind path == "directory"; in
    make [ p ] (file: if directory then hasPrefix (p + "/") file else file == p);
  coerce = context: v:
    if isSet v then v
    else if builtins.isPath v then
      if builtins.pathExists v then ofPath v
      else throw "${context}: ${toString v} is a path that does not exist; to include a file that may be missing use lib.fileset.maybeMissing"
    else throw "${context}: expected a path or a file set, got a value of type ${builtins.typeOf v}";
  filesBelow = dir:
    lib.concatMap
      (name:
        let path = dir + "/${name}"; type = (builtins.readDir dir).${name}; in
        if type == "directory" then filesBelow path else [ { inherit path name type; } ])
      (builtins.attrNames (builtins.readDir dir));
in
rec {
  empty = make [ ] (_: false);
  maybeMissing = path:
    if !builtins.isPath path then throw "lib.fileset.maybeMissing: expected a path"
    else if builtins.pathExists path then ofPath path else empty;
  unions = sets: let members = map (coerce "lib.fileset.unions") sets; in
    make (lib.concatMap (s: s.bases) members) (file: any (s: s.contains file) members);
  union = a: b: unions [ a b ];
  intersection = a: b:
    let x = coerce "lib.fileset.intersection" a; y = coerce "lib.fileset.intersection" b; in
    make x.bases (file: x.contains file && y.contains file);
  difference = a: b:
    let x = coerce "lib.fileset.difference" a; y = coerce "lib.fileset.difference" b; in
    make x.bases (file: x.contains file && !y.contains file);
  fileFilter = pred: path:
    let
      p = toString path;
      info = file: rec { name = baseNameOf file; type = "regular"; hasExt = ext: lib.hasSuffix ".${ext}" name; };
    in
    make [ p ] (file: hasPrefix (p + "/") file && pred (info file));
  fromSource = source:
    let root = source.origSrc or source; keep = source.filter or (_: _: true); p = toString root; in
    let
      above = dir: if dir == p then [ ] else [ dir ] ++ above (dirOf dir);
      # A folder that the filter leaves out takes all that is in it along.
      kept = file: lib.all (dir: keep dir "directory") (above (dirOf file)) && keep file (kind (/. + file));
    in
    make [ p ] (file: hasPrefix (p + "/") file && kept file);
  toList = set:
    let files = coerce "lib.fileset.toList" set; in
    filter (path: files.contains (toString path)) (lib.unique (lib.concatMap
      (base: if kind (/. + base) == "directory" then map (f: f.path) (filesBelow (/. + base)) else [ (/. + base) ])
      files.bases));
  # What nixpkgs does: a copy by git of what it tracks, changes of the working tree included.
  gitTracked = path:
    let p = toString path; copy = builtins.fetchGit { url = path; }; in
    if !builtins.pathExists (path + "/.git") then
      throw "lib.fileset.gitTracked: Expected the argument (${p}) to point to a local working tree of a Git repository, but it's not."
    else make [ p ] (file: hasPrefix (p + "/") file && builtins.pathExists (copy + "/${lib.removePrefix (p + "/") file}"));
  trace = _: v: v;
  traceVal = v: v;
  toSource = { root, fileset }:
    let
      set = coerce "lib.fileset.toSource: fileset" fileset;
      wanted = filter (f: set.contains (toString f.path)) (filesBelow root);
      files = lib.genAttrs (map (f: toString f.path) wanted) (_: true);
      parents = lib.genAttrs (lib.concatMap (f: above (dirOf (toString f.path))) wanted) (_: true);
      base = toString root;
      above = dir: if dir == base || !hasPrefix base dir then [ ] else [ dir ] ++ above (dirOf dir);
      keep = path: type: if type == "directory" then parents ? ${path} else files ? ${path};
      out = builtins.path { path = root; name = "source"; filter = keep; };
      outside = filter (path: path != base && !hasPrefix (base + "/") path) set.bases;
    in
    if !builtins.isPath root then throw "lib.fileset.toSource: `root` is of type ${builtins.typeOf root}, but it should be a path"
    else if !builtins.pathExists root then throw "lib.fileset.toSource: `root` (${base}) is a path that does not exist."
    else if kind root != "directory" then throw "lib.fileset.toSource: `root` (${base}) is a file, but it should be a directory instead."
    else if outside != [ ] then throw "lib.fileset.toSource: `fileset` could contain files in ${lib.head outside}, which is not under the `root` (${base})."
    else { outPath = out; origSrc = root; filter = keep; name = "source"; _isLibCleanSourceWith = true; };
}
