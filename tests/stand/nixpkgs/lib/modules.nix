# A stand-in for nixpkgs' module system: options, types, mkIf, mkMerge, priorities and evalModules, as far as a NixOS
# module of ours uses them. It has no submodules, no freeform types, no documentation and no `disabledModules`.
{ lib }:
let
  inherit (builtins) all attrNames concatLists concatMap filter foldl' head isAttrs isBool isInt isList isString length mapAttrs;

  show = lib.concatStringsSep ".";
  mkType = { name, check, merge ? loc: values: if length values == 1 then head values
    else if all (v: v == head values) values then head values
    else throw "The option `${show loc}' has conflicting definition values.", nested ? null }:
    { _type = "option-type"; inherit name check merge nested; description = name; };
  checked = type: loc: value:
    if type.check value then value
    else throw "A definition for option `${show loc}' is not of type `${type.description}'.";

  deepMerge = values:
    if all isAttrs values && !(lib.any lib.isDerivation values) then
      lib.zipAttrsWith (_: deepMerge) values
    else if all isList values then concatLists values
    else lib.last values;

  types = rec {
    bool = mkType { name = "boolean"; check = isBool; };
    int = mkType { name = "signed integer"; check = isInt; };
    port = mkType { name = "16 bit unsigned integer; between 0 and 65535 (both inclusive)"; check = v: isInt v && v >= 0 && v < 65536; };
    float = mkType { name = "floating point number"; check = builtins.isFloat; };
    str = mkType { name = "string"; check = isString; };
    strMatching = pattern: mkType { name = "string matching the pattern ${pattern}"; check = v: isString v && builtins.match pattern v != null; };
    path = mkType { name = "absolute path"; check = v: lib.isStringLike v && lib.hasPrefix "/" (toString v); };
    package = mkType { name = "package"; check = v: lib.isDerivation v || lib.isStorePath v; };
    anything = mkType { name = "anything"; check = _: true; merge = _: deepMerge; };
    enum = values: mkType { name = "one of ${builtins.toJSON values}"; check = v: lib.elem v values; };
    nullOr = type: mkType {
      name = "null or ${type.name}";
      check = v: v == null || type.check v;
      merge = loc: values: if all (v: v == null) values then null else type.merge loc values;
    };
    oneOf = candidates: mkType {
      name = lib.concatMapStringsSep " or " (t: t.name) candidates;
      check = v: lib.any (t: t.check v) candidates;
    };
    either = a: b: oneOf [ a b ];
    listOf = type: mkType {
      name = "list of ${type.name}";
      check = isList;
      merge = loc: values: map (checked type loc) (concatLists values);
    };
    attrsOf = type: mkType {
      name = "attribute set of ${type.name}";
      check = v: isAttrs v && !lib.isDerivation v;
      merge = loc: values:
        let defined = lib.zipAttrsWith (_: concatMap expand) values; in
        mapAttrs (name: defs: mergeDefinitions (loc ++ [ name ]) type defs) (lib.filterAttrs (_: defs: defs != [ ]) defined);
    };
    coercedTo = from: change: to: mkType {
      name = "${to.name} or ${from.name} convertible to it";
      check = v: from.check v || to.check v;
      merge = loc: values: to.merge loc (map (v: if from.check v then change v else v) values);
    };
    addCheck = type: check: type // { check = v: type.check v && check v; };
  };

  # A definition → the list of { priority, value } that hold.
  expand = value:
    if value._type or "" == "if" then (if value.condition then expand value.content else [ ])
    else if value._type or "" == "merge" then concatMap expand value.contents
    else if value._type or "" == "override" then map (d: d // { inherit (value) priority; }) (expand value.content)
    else [ { priority = 100; inherit value; } ];

  # A definition of a set → sets whose attributes carry its conditions: none of them is evaluated before it is needed.
  pushDown = value:
    if value._type or "" == "if" then map (mapAttrs (_: content: value // { inherit content; })) (pushDown value.content)
    else if value._type or "" == "merge" then concatMap pushDown value.contents
    else if value._type or "" == "override" then map (mapAttrs (_: content: value // { inherit content; })) (pushDown value.content)
    else [ value ];

  mergeDefinitions = loc: type: defs:
    let
      highest = foldl' (a: d: lib.min a d.priority) 10000 defs;
      values = map (d: checked type loc d.value) (filter (d: d.priority == highest) defs);
    in
    if defs == [ ] then throw "The option `${show loc}' was accessed but has no value defined. Try setting the option."
    else type.merge loc values;

  evalTree = loc: options: defs:
    if options._type or "" == "option" then
      mergeDefinitions loc options.type
        (concatMap expand defs ++ lib.optional (options ? default) { priority = 1500; value = options.default; })
    else
      let
        sets = concatMap pushDown defs;
        unknown = filter (name: !(options ? ${name})) (concatMap attrNames sets);
      in
      if unknown != [ ] then throw "The option `${show (loc ++ [ (head unknown) ])}' does not exist."
      else mapAttrs (name: option: evalTree (loc ++ [ name ]) option (concatMap (set: lib.optional (set ? ${name}) set.${name}) sets)) options;

  load = arguments: module:
    let
      loaded = if lib.isFunction module then module arguments
        else if builtins.isPath module || isString module then load' (import module)
        else module;
      load' = inner: if lib.isFunction inner then inner arguments else inner;
      imported = concatMap (load arguments) (loaded.imports or [ ]);
      own = {
        options = loaded.options or { };
        config = loaded.config or (removeAttrs loaded [ "imports" "options" "_file" ]);
      };
    in
    imported ++ [ own ];
in
{
  inherit types;
  mkOption = attrs: { _type = "option"; } // attrs;
  mkEnableOption = name: { _type = "option"; type = types.bool; default = false; example = true; description = "Whether to enable ${name}."; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkDefault = content: { _type = "override"; priority = 1000; inherit content; };
  mkForce = content: { _type = "override"; priority = 50; inherit content; };
  literalExpression = text: { _type = "literalExpression"; inherit text; };
  evalModules = { modules, specialArgs ? { }, class ? null }:
    let
      loaded = concatMap (load ({ inherit lib config options; _class = class; } // specialArgs)) modules;
      options = foldl' lib.recursiveUpdate { } (map (m: m.options) loaded);
      config = evalTree [ ] options (map (m: m.config) loaded);
    in
    { inherit config options; };
}
