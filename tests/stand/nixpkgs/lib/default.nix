# The part of nixpkgs' `lib` that nixpkgs-style packages and our own Nix library use; same names, same meaning.
# Written for this stand; see the nixpkgs manual's "Functions reference" for what each must do.
let
  inherit (builtins)
    attrNames attrValues concatLists concatStringsSep elem elemAt filter foldl' genList getAttr hasAttr head
    intersectAttrs isAttrs isBool isFunction isInt isList isPath isString length listToAttrs map match replaceStrings
    split stringLength substring tail toJSON tryEval;

  lib = rec {
    inherit (builtins)
      add addErrorContext all any attrNames attrValues baseNameOf catAttrs ceil compareVersions concatLists concatMap
      concatStringsSep deepSeq elem elemAt filter floor foldl' fromJSON genList getAttr hasAttr head isAttrs isBool
      isFloat isInt isList isPath isString length lessThan listToAttrs map match mul parseDrvName partition readDir
      readFile replaceStrings seq sort splitVersion stringLength sub substring tail toJSON typeOf unsafeGetAttrPos;
    inherit (builtins) groupBy hashString hashFile pathExists tryEval mapAttrs removeAttrs zipAttrsWith;

    # trivial
    id = x: x;
    const = x: _: x;
    pipe = foldl' (x: f: f x);
    flip = f: a: b: f b a;
    max = a: b: if a > b then a else b;
    min = a: b: if a < b then a else b;
    mod = a: b: a - b * (a / b);
    boolToString = b: if b then "true" else "false";
    importJSON = path: builtins.fromJSON (builtins.readFile path);
    importTOML = path: builtins.fromTOML (builtins.readFile path);
    warn = message: value: builtins.trace "evaluation warning: ${message}" value;
    warnIf = cond: message: if cond then warn message else id;
    warnIfNot = cond: warnIf (!cond);
    throwIf = cond: message: if cond then throw message else id;
    throwIfNot = cond: throwIf (!cond);
    assertMsg = cond: message: if cond then true else builtins.trace message false;
    assertOneOf = name: value: list:
      assertMsg (elem value list) "${name} must be one of ${generators.toPretty { } list}, but is: ${generators.toPretty { } value}";
    setFunctionArgs = f: args: { __functor = _: f; __functionArgs = args; };
    isFunction = f: builtins.isFunction f || (f ? __functor && lib.isFunction (f.__functor f));
    toFunction = v: if lib.isFunction v then v else _: v;
    mirrorFunctionArgs = f: g: setFunctionArgs g (fnArgs f);
    fnArgs = f: if f ? __functor then f.__functionArgs or (fnArgs (f.__functor f)) else builtins.functionArgs f;
    inNixShell = builtins.getEnv "IN_NIX_SHELL" != "";
    inPureEvalMode = !(builtins ? currentSystem);
    fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    fakeSha256 = "0000000000000000000000000000000000000000000000000000000000000000";
    trivial = { inherit importJSON importTOML warn throwIf version; release = "25.11"; };
    version = "25.11stand";

    # fixed points
    fix = f: let x = f x; in x;
    extends = overlay: f: final: let prev = f final; in prev // overlay final prev;
    composeExtensions = f: g: final: prev: let fApplied = f final prev; prev' = prev // fApplied; in fApplied // g final prev';
    composeManyExtensions = foldl' composeExtensions (_: _: { });
    makeExtensible = makeExtensibleWithCustomName "extend";
    makeExtensibleWithCustomName = name: rattrs:
      fix (self: (rattrs self) // { ${name} = f: makeExtensibleWithCustomName name (extends f rattrs); });

    # customisation
    makeOverridable = f: args0:
      let
        result = f args0;
        overrideArgs = new: makeOverridable f (args0 // (if lib.isFunction new then new args0 else new));
        again = g: makeOverridable (args: g (f args)) args0;
      in
      if isAttrs result then
        result // {
          override = setFunctionArgs overrideArgs (fnArgs f);
          overrideDerivation = throw "overrideDerivation: not in the stand";
        } // optionalAttrs (result ? overrideAttrs) { overrideAttrs = over: again (r: r.overrideAttrs over); }
      else if lib.isFunction result then
        { __functor = _: result; __functionArgs = fnArgs result; override = overrideArgs; }
      else result;
    callPackageWith = auto: fn: args:
      let
        f = if lib.isFunction fn then fn else import fn;
        wants = fnArgs f;
        given = intersectAttrs wants auto // args;
        missing = filter (name: !wants.${name} && !(given ? ${name})) (attrNames wants);
        where = if builtins.isPath fn || isString fn then " at ${toString fn}" else "";
      in
      if missing == [ ] then makeOverridable f given
      else throw "lib.customisation.callPackageWith: Function called without required argument \"${head missing}\"${where}";
    callPackagesWith = auto: fn: args:
      let f = if lib.isFunction fn then fn else import fn; given = intersectAttrs (fnArgs f) auto // args;
      in mapAttrs (name: _: makeOverridable (a: (f a).${name}) given) (f given);
    makeScope = newScope: f:
      let
        self = f self // {
          newScope = scope: newScope (self // scope);
          callPackage = self.newScope { };
          overrideScope = g: makeScope newScope (extends g f);
          packages = f;
        };
      in self;
    extendDerivation = condition: passthru: drv: drv // passthru;
    hydraJob = id;
    lazyDerivation = { derivation, ... }: derivation;

    # attribute sets
    attrByPath = path: default: set:
      if path == [ ] then set
      else if isAttrs set && set ? ${head path} then attrByPath (tail path) default set.${head path}
      else default;
    hasAttrByPath = path: set: path == [ ] || (isAttrs set && set ? ${head path} && hasAttrByPath (tail path) set.${head path});
    getAttrFromPath = path: attrByPath path (throw "cannot find attribute '${concatStringsSep "." path}'");
    setAttrByPath = path: value: if path == [ ] then value else { ${head path} = setAttrByPath (tail path) value; };
    attrVals = names: set: map (name: set.${name}) names;
    getAttrs = names: set: genAttrs names (name: set.${name});
    filterAttrs = pred: set: removeAttrs set (filter (name: !pred name set.${name}) (attrNames set));
    mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    attrsToList = mapAttrsToList nameValuePair;
    concatMapAttrs = f: set: foldl' (a: b: a // b) { } (mapAttrsToList f set);
    mapAttrsRecursive = mapAttrsRecursiveCond (_: true);
    mapAttrsRecursiveCond = cond: f: set:
      let go = path: mapAttrs (name: value: if isAttrs value && cond value then go (path ++ [ name ]) value else f (path ++ [ name ]) value);
      in go [ ] set;
    collect = pred: v: if pred v then [ v ] else if isAttrs v then concatMap (collect pred) (attrValues v) else [ ];
    nameValuePair = name: value: { inherit name value; };
    genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
    genAttrs' = xs: f: listToAttrs (map f xs);
    optionalAttrs = cond: set: if cond then set else { };
    recursiveUpdate = a: b:
      a // mapAttrs (name: value: if isAttrs value && isAttrs (a.${name} or null) then recursiveUpdate a.${name} value else value) b;
    recursiveUpdateUntilDrv = recursiveUpdateUntil (_: a: b: !(isAttrs a && isAttrs b) || isDerivation a || isDerivation b);
    recursiveUpdateUntil = pred: a: b:
      let go = path: x: y: x // mapAttrs
        (name: value:
          let here = path ++ [ name ]; in
          if x ? ${name} && !pred here x.${name} value then go here x.${name} value else value) y;
      in go [ ] a b;
    mergeAttrsList = foldl' (a: b: a // b) { };
    foldAttrs = op: nul: list: foldr (n: a: foldl' (o: name: o // { ${name} = op n.${name} (a.${name} or nul); }) a (attrNames n)) { } list;
    isDerivation = v: v.type or null == "derivation";
    recurseIntoAttrs = set: set // { recurseForDerivations = true; };
    dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };
    cartesianProduct = sets: foldl' (acc: name: concatMap (x: map (v: x // { ${name} = v; }) sets.${name}) acc) [ { } ] (attrNames sets);
    getOutput = output: pkg:
      if !(pkg ? outputSpecified) || !pkg.outputSpecified then pkg.${output} or pkg.out or pkg else pkg;
    getFirstOutput = names: pkg:
      if pkg.outputSpecified or false then pkg
      else let found = filter (name: pkg ? ${name}) names; in if found == [ ] then pkg else pkg.${head found};
    getBin = getFirstOutput [ "bin" "out" ];
    getLib = getFirstOutput [ "lib" "out" ];
    getStatic = getFirstOutput [ "static" "lib" "out" ];
    getDev = getFirstOutput [ "dev" "out" ];
    getInclude = getFirstOutput [ "include" "dev" "out" ];
    getMan = getFirstOutput [ "man" "doc" "out" ];
    chooseDevOutputs = map getDev;
    getExe' = pkg: name: "${getBin pkg}/bin/${name}";
    getExe = pkg: getExe' pkg (pkg.meta.mainProgram or (pkg.pname or (builtins.parseDrvName pkg.name).name));
    getName = x: if isString x then (builtins.parseDrvName x).name else x.pname or (builtins.parseDrvName x.name).name;
    getVersion = x: if isString x then (builtins.parseDrvName x).version else x.version or (builtins.parseDrvName x.name).version;

    # lists
    singleton = x: [ x ];
    foldr = op: nul: list: let n = length list; go = i: if i == n then nul else op (elemAt list i) (go (i + 1)); in go 0;
    fold = foldr;
    imap0 = f: list: genList (i: f i (elemAt list i)) (length list);
    imap1 = f: list: genList (i: f (i + 1) (elemAt list i)) (length list);
    forEach = xs: f: map f xs;
    flatten = x: if isList x then concatMap flatten x else [ x ];
    remove = e: filter (x: x != e);
    findFirst = pred: default: list: let found = filter pred list; in if found == [ ] then default else head found;
    findSingle = pred: default: multiple: list:
      let found = filter pred list; n = length found; in if n == 0 then default else if n == 1 then head found else multiple;
    count = pred: list: length (filter pred list);
    optional = cond: x: if cond then [ x ] else [ ];
    optionals = cond: xs: if cond then xs else [ ];
    toList = x: if isList x then x else [ x ];
    range = first: last: if first > last then [ ] else genList (n: first + n) (last - first + 1);
    replicate = n: x: genList (_: x) n;
    zipListsWith = f: a: b: genList (i: f (elemAt a i) (elemAt b i)) (min (length a) (length b));
    zipLists = zipListsWith (fst: snd: { inherit fst snd; });
    reverseList = xs: let n = length xs; in genList (i: elemAt xs (n - i - 1)) n;
    take = n: xs: genList (elemAt xs) (min n (length xs));
    drop = n: xs: let l = length xs; in if n >= l then [ ] else genList (i: elemAt xs (i + n)) (l - n);
    sublist = start: n: xs: take n (drop start xs);
    last = xs: elemAt xs (length xs - 1);
    init = xs: take (length xs - 1) xs;
    unique = foldl' (acc: e: if elem e acc then acc else acc ++ [ e ]) [ ];
    uniqueStrings = list: attrNames (genAttrs list (_: null));
    allUnique = list: length (unique list) == length list;
    intersectLists = e: filter (x: elem x e);
    subtractLists = e: filter (x: !elem x e);
    naturalSort = builtins.sort builtins.lessThan;
    sortOn = f: builtins.sort (a: b: f a < f b);
    crossLists = f: foldl' (fs: args: concatMap (g: map g args) fs) [ f ];
    groupBy' = op: nul: pred: list: mapAttrs (_: foldl' op nul) (groupBy pred list);

    # strings
    concatStrings = concatStringsSep "";
    concatMapStrings = f: list: concatStrings (map f list);
    concatMapStringsSep = sep: f: list: concatStringsSep sep (map f list);
    concatImapStringsSep = sep: f: list: concatStringsSep sep (imap1 f list);
    concatMapAttrsStringSep = sep: f: set: concatStringsSep sep (mapAttrsToList f set);
    concatLines = concatMapStrings (s: s + "\n");
    intersperse = sep: list: if length list < 2 then list else tail (concatMap (x: [ sep x ]) list);
    optionalString = cond: s: if cond then s else "";
    hasPrefix = p: s: substring 0 (stringLength p) s == p;
    hasSuffix = p: s: let n = stringLength s; m = stringLength p; in n >= m && substring (n - m) m s == p;
    hasInfix = infix: s: isString s && match ".*${escapeRegex infix}.*" (builtins.unsafeDiscardStringContext (replaceStrings [ "\n" ] [ " " ] s)) != null;
    removePrefix = p: s: if hasPrefix p s then substring (stringLength p) (-1) s else s;
    removeSuffix = p: s: if hasSuffix p s then substring 0 (stringLength s - stringLength p) s else s;
    stringToCharacters = s: genList (i: substring i 1 s) (stringLength s);
    stringAsChars = f: s: concatStrings (map f (stringToCharacters s));
    escape = chars: replaceStrings chars (map (c: "\\${c}") chars);
    escapeRegex = escape (stringToCharacters "\\[{()^$?*+|.");
    escapeShellArg = arg:
      let s = toString arg; in
      if match "[[:alnum:],._+:@%/-]+" (builtins.unsafeDiscardStringContext s) == null then "'${replaceStrings [ "'" ] [ "'\\''" ] s}'" else s;
    escapeShellArgs = concatMapStringsSep " " escapeShellArg;
    escapeNixString = s: escape [ "$" ] (toJSON s);
    escapeNixIdentifier = s: if match "[a-zA-Z_][a-zA-Z0-9_'-]*" s != null then s else escapeNixString s;
    isValidPosixName = name: match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;
    toShellVar = name: value:
      throwIfNot (isValidPosixName name) "toShellVar: ${name} is not a valid shell variable name" (
        if isAttrs value && !isDerivation value && !(value ? outPath) then
          "declare -A ${name}=(${concatStringsSep " " (mapAttrsToList (n: v: "[${escapeShellArg n}]=${escapeShellArg v}") value)})"
        else if isList value then "declare -a ${name}=(${escapeShellArgs value})"
        else "${name}=${escapeShellArg value}");
    toShellVars = vars: concatStringsSep "\n" (mapAttrsToList toShellVar vars);
    splitString = sep: s: filter isString (split (escapeRegex (toString sep)) (toString s));
    toLower = replaceStrings (stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (stringToCharacters "abcdefghijklmnopqrstuvwxyz");
    toUpper = replaceStrings (stringToCharacters "abcdefghijklmnopqrstuvwxyz") (stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    trim = s: let m = match "[[:space:]]*(.*[^[:space:]])[[:space:]]*" s; in if m == null then "" else head m;
    trimWith = { start ? false, end ? false }: trim;
    fileContents = path: removeSuffix "\n" (builtins.readFile path);
    versionOlder = a: b: builtins.compareVersions b a == 1;
    versionAtLeast = a: b: !versionOlder a b;
    versions = {
      splitVersion = builtins.splitVersion;
      major = v: elemAt (builtins.splitVersion v) 0;
      minor = v: elemAt (builtins.splitVersion v) 1;
      patch = v: elemAt (builtins.splitVersion v) 2;
      majorMinor = v: concatStringsSep "." (take 2 (builtins.splitVersion v));
    };
    inherit (versions) major minor patch majorMinor;
    makeSearchPath = sub: paths: concatStringsSep ":" (map (p: p + "/" + sub) (filter (p: p != null) paths));
    makeSearchPathOutput = output: sub: pkgs: makeSearchPath sub (map (getOutput output) pkgs);
    makeLibraryPath = pkgs: makeSearchPath "lib" (map getLib pkgs);
    makeBinPath = pkgs: makeSearchPath "bin" (map getBin pkgs);
    makeIncludePath = makeSearchPathOutput "dev" "include";
    isStringLike = x: isString x || isPath x || x ? outPath || x ? __toString;
    isConvertibleWithToString = x: isStringLike x || isInt x || isBool x || x == null;
    isStorePath = x: isStringLike x && hasPrefix "${builtins.storeDir}/" (toString x);
    toInt = s: let v = builtins.fromJSON s; in if isInt v then v else throw "toInt: ${s}";
    fixedWidthString = width: filler: s: if stringLength s >= width then s else fixedWidthString width filler (filler + s);
    fixedWidthNumber = width: n: fixedWidthString width "0" (toString n);
    nameFromURL = url: sep: head (splitString sep (last (splitString "/" url)));
    sanitizeDerivationName = s: replaceStrings [ " " "~" ":" "@" ] [ "-" "-" "-" "-" ] (builtins.unsafeDiscardStringContext s);
    cmakeBool = name: v: "-D${name}:BOOL=${if v then "TRUE" else "FALSE"}";
    cmakeFeature = name: v: "-D${name}:STRING=${v}";
    mesonBool = name: v: "-D${name}=${boolToString v}";
    mesonEnable = name: v: "-D${name}=${if v then "enabled" else "disabled"}";
    mesonOption = name: v: "-D${name}=${v}";
    enableFeature = flag: name: "--${if flag then "enable" else "disable"}-${name}";
    withFeature = flag: name: "--${if flag then "with" else "without"}-${name}";
    withFeatureAs = flag: name: value: withFeature flag name + optionalString flag "=${value}";

    # sources
    cleanSourceFilter = name: type:
      let base = baseNameOf (toString name); in
      !((base == ".git" && type == "directory") || elem base [ ".svn" "CVS" ".hg" ] || hasSuffix "~" base
        || hasSuffix ".o" base || hasSuffix ".so" base || (type == "symlink" && hasPrefix "result" base));
    cleanSourceWith = { filter ? _: _: true, src, name ? "source" }:
      let orig = src.origSrc or src; old = src.filter or (_: _: true); both = path: type: old path type && filter path type; in
      { origSrc = orig; filter = both; inherit name; outPath = builtins.path { path = orig; filter = both; inherit name; }; _isLibCleanSourceWith = true; };
    cleanSource = src: cleanSourceWith { inherit src; filter = cleanSourceFilter; };
    sourceByRegex = src: regexes: cleanSourceWith {
      inherit src;
      filter = path: _: any (re: match re (removePrefix (toString src + "/") path) != null) regexes;
    };
    sourceFilesBySuffices = src: exts: cleanSourceWith { inherit src; filter = path: type: type == "directory" || any (e: hasSuffix e path) exts; };
    sources = { inherit cleanSource cleanSourceWith cleanSourceFilter sourceByRegex; };
    fileset = import ./fileset.nix { inherit lib; };

    # fetchers, metadata
    fetchers.proxyImpureEnvVars = [
      "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy"
      "HTTP_PROXY" "HTTPS_PROXY" "FTP_PROXY" "ALL_PROXY" "NO_PROXY"
    ];
    licenses = mapAttrs
      (name: spdxId: { shortName = name; fullName = name; free = name != "unfree"; inherit spdxId; deprecated = false; })
      {
        mit = "MIT"; asl20 = "Apache-2.0"; bsd2 = "BSD-2-Clause"; bsd3 = "BSD-3-Clause"; isc = "ISC"; zlib = "Zlib"; mpl20 = "MPL-2.0";
        gpl2Only = "GPL-2.0-only"; gpl2Plus = "GPL-2.0-or-later"; gpl3Only = "GPL-3.0-only"; gpl3Plus = "GPL-3.0-or-later";
        lgpl21Plus = "LGPL-2.1-or-later"; lgpl3Plus = "LGPL-3.0-or-later"; agpl3Only = "AGPL-3.0-only"; psfl = "PSF-2.0"; cc0 = "CC0-1.0";
        unlicense = "Unlicense"; unfree = "unfree"; publicDomain = "publicDomain"; free = "free";
      };
    getLicenseFromSpdxId = id:
      let known = filter (license: toLower license.spdxId == toLower id) (attrValues licenses); in
      if known != [ ] then head known
      else warn "getLicenseFromSpdxId: No license matches the given SPDX ID: ${id}" { shortName = id; };
    license = licenses;
    platforms = rec {
      linux = [ "x86_64-linux" "aarch64-linux" "i686-linux" "riscv64-linux" ];
      darwin = [ "x86_64-darwin" "aarch64-darwin" ];
      unix = linux ++ darwin;
      all = unix;
    };
    maintainers = { };
    teams = { };
    systems = { flakeExposed = platforms.linux ++ platforms.darwin; elaborate = import ./platform.nix; doubles = platforms; };
    meta = { inherit getExe getExe' availableOn; };
    availableOn = platform: pkg: elem platform.system (pkg.meta.platforms or [ platform.system ]);
    setPrio = priority: drv: drv // { meta = (drv.meta or { }) // { inherit priority; }; };
    lowPrio = setPrio 10;
    hiPrio = setPrio (-10);

    generators = rec {
      toJSON = _: builtins.toJSON;
      toKeyValue = _: set: concatStrings (mapAttrsToList (n: v: "${n}=${toString v}\n") set);
      toPretty = options: v:
        if isString v then escapeNixString v
        else if isList v then "[ ${concatMapStringsSep " " (toPretty options) v} ]"
        else if isAttrs v then "{ ${concatStrings (mapAttrsToList (n: x: "${escapeNixIdentifier n} = ${toPretty options x}; ") v)}}"
        else if isBool v then boolToString v else if v == null then "null" else if lib.isFunction v then "<function>" else toString v;
    };
    strings = {
      inherit concatStringsSep concatMapStringsSep escapeShellArg escapeShellArgs hasPrefix hasSuffix hasInfix removePrefix removeSuffix
        toShellVar toShellVars splitString toLower toUpper optionalString versionAtLeast versionOlder escapeNixString
        escapeNixIdentifier makeBinPath makeLibraryPath sanitizeDerivationName concatLines stringToCharacters trim fileContents;
      inherit (builtins) unsafeDiscardStringContext toJSON substring stringLength replaceStrings;
    };
    attrsets = {
      inherit attrByPath hasAttrByPath getAttrFromPath setAttrByPath filterAttrs mapAttrs mapAttrs' mapAttrsToList nameValuePair
        genAttrs optionalAttrs recursiveUpdate getOutput getLib getDev getBin isDerivation concatMapAttrs recurseIntoAttrs;
    };
    lists = {
      inherit optional optionals unique flatten foldr imap0 imap1 last init take drop toList range remove findFirst reverseList;
      inherit (builtins) filter map head tail elem concatLists concatMap foldl' sort length;
    };
    customisation = { inherit makeOverridable callPackageWith callPackagesWith makeScope; };
    fixedPoints = { inherit fix extends composeExtensions composeManyExtensions makeExtensible; };
    asserts = { inherit assertMsg assertOneOf; };

    # modules (a stand-in: see the file)
    modules = import ./modules.nix { inherit lib; };
    inherit (modules) evalModules literalExpression mkDefault mkEnableOption mkForce mkIf mkMerge mkOption mkOverride types;
  };
in
removeAttrs lib [ "fnArgs" ] // { functionArgs = lib.fnArgs; }
