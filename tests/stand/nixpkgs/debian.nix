# The libraries: each node of the stand's lock as a derivation. See ../libraries.json and ../provision/lock.py.
{ lib, system, lock, place }:
let
  triplet = { x86_64-linux = "x86_64-linux-gnu"; aarch64-linux = "aarch64-linux-gnu"; }.${system};
  sanitize = builtins.replaceStrings [ "~" ":" "%" "@" ] [ "-" "-" "-" "-" ];

  # The package file by hash: from the stand's own folder when setup has it, else by a fixed-output fetch.
  fetchDeb = deb:
    let
      name = "${sanitize deb.name}.deb";
      local = place + "/debs/${deb.sha256}.deb";
    in
    if builtins.pathExists local then
      builtins.path { path = local; inherit name; sha256 = deb.sha256; recursive = false; }
    else
      derivation {
        inherit name system;
        inherit (deb) url;
        urls = [ deb.url ];
        builder = "builtin:fetchurl";
        outputHash = deb.sha256;
        outputHashAlgo = "sha256";
        outputHashMode = "flat";
        executable = false;
        unpack = false;
        preferLocalBuild = true;
      };

  # Changes that single attributes need, as shell text run after unpacking ($out, $dev, $bin).
  tweaks = {
    # nixpkgs has pg_config in a derivation of its own.
    libpq = ''rm -f "$out"/bin/pg_config "$out"/bin/pg_config.*; rmdir "$out/bin" 2>/dev/null || true'';
    # A config script in `out` would name `dev`, which names `out`.
    libmysqlclient = ''mkdir -p "$dev/bin"; mv "$out"/bin/*_config "$dev/bin/"; rmdir "$out/bin" 2>/dev/null || true'';
    # nixpkgs' build opens its crypto libraries by libltdl and says so to whoever links it; Debian's does not.
    xmlsec = ''sed -i '/^Libs:/s/$/ -lltdl/' "$out"/lib/pkgconfig/xmlsec1*.pc'';
    libtool = ''rm -f "$out"/bin/libtool'';
    krb5 = ''
      # Debian keeps MIT's files beside Heimdal's; nixpkgs has them in the usual places.
      if [ -d "$out/include/mit-krb5" ]; then cp -a --remove-destination "$out/include/mit-krb5/." "$out/include/"; rm -rf "$out/include/mit-krb5"; fi
      if [ -d "$out/lib/mit-krb5" ]; then
        for link in "$out"/lib/mit-krb5/*.so; do ln -sfn "$(basename "$(readlink -f "$link")")" "$out/lib/$(basename "$link")"; done
        rm -rf "$out/lib/mit-krb5"
      fi
      for config in "$out"/bin/krb5-config.mit; do [ ! -e "$out/bin/krb5-config" ] || rm "$out/bin/krb5-config"; mv "$config" "$out/bin/krb5-config"; done
      # Debian asks the compiler where libraries are; here they are in lib, as nixpkgs' script says.
      sed -i '/^tripple=/,/^fi$/d; s,/lib/''${tripple},/lib,' "$out/bin/krb5-config"
      sed -i "s,/mit-krb5,,g" "$out"/lib/pkgconfig/*.pc "$out"/lib/pkgconfig/*/*.pc "$out"/bin/krb5-config || true
      if [ -d "$out/lib/pkgconfig/mit-krb5" ]; then cp -n "$out"/lib/pkgconfig/mit-krb5/*.pc "$out/lib/pkgconfig/"; rm -r "$out/lib/pkgconfig/mit-krb5"; fi
    '';
  };

  # nixpkgs' descriptions of GObject libraries name these by their paths; Debian's by their sonames.
  typelibs = node:
    if builtins.any (deb: builtins.match "gir1.2-.*" deb.name != null) node.debs
    then builtins.readFile ./typelibs.sh else "";

  # Setup hooks of nixpkgs' packages.
  setupHooks = {
    glib = ./setup-hooks/glib.sh;
    gobject-introspection = ./setup-hooks/gobject-introspection.sh;
    gdk-pixbuf = ./setup-hooks/gdk-pixbuf.sh;
    gtk3 = ./setup-hooks/gtk.sh;
    gtk4 = ./setup-hooks/gtk.sh;
    "qt5.qtbase" = ./setup-hooks/qtbase.sh;
    "qt6.qtbase" = ./setup-hooks/qtbase.sh;
  };

  setupHook = key: lib.optionalString (setupHooks ? ${key}) ''
    mkdir -p "$dev/nix-support"
    sed "s,@dev@,$dev,g" ${setupHooks.${key}} >"$dev/nix-support/setup-hook"
  '';

  # CPython: Debian's changes to its layout undone, sysconfig speaking of the store, modules compiled.
  pythonTweak = minor: ''
    home=$out/lib/python${minor}
    rm -rf "$out/etc" "$out/src" "$out/lib/binfmt.d" "$home/EXTERNALLY-MANAGED" "$home/sitecustomize.py" "$home/test" "$home"/config-*/*.a
    rm -rf "$out"/share/{applications,pixmaps,apport,binfmts,python3,gdb}
    sed -i "s,prefix_scheme = 'posix_local',prefix_scheme = 'posix_prefix',; s,return 'posix_local',return 'posix_prefix'," "$home"/sysconfig.py "$home"/sysconfig/__init__.py 2>/dev/null || true
    sed -i "s,dist-packages,site-packages,g" "$home/site.py"
    for file in "$home"/_sysconfigdata_*.py "$home"/_sysconfig_vars_*.json "$home"/build-details.json "$home"/config-*/Makefile "$out"/bin/*-config; do
      if [ -f "$file" ] && [ ! -L "$file" ]; then
        sed -i -E "s,/usr/lib/$triplet,$out/lib,g; s,/usr/(lib|include|share),$out/\1,g; s,/usr/bin/python,$out/bin/python,g; s,(['\"= ])/usr(['\" ]|\$),\1$out\2,g; s,$triplet-(gcc-)?(ar|gcc|g\+\+|cpp)\b,\2,g" "$file"
      fi
    done
    for name in python python3; do ln -s python${minor} "$out/bin/$name"; done
    ln -s python${minor}-config "$out/bin/python3-config"
    mkdir -p "$home/site-packages" "$out/nix-support"
    sed "s,@sitePackages@,lib/python${minor}/site-packages,g" ${./python/setup-hook.sh} >"$out/nix-support/setup-hook"
    # What compileall itself imports is not to be written by the way: that bytecode would be stale in the store.
    PYTHONDONTWRITEBYTECODE=1 "$out/bin/python${minor}" -m compileall -q -f -j0 --invalidation-mode unchecked-hash -x "lib2to3/tests" "$home" || true
  '';

  # Every output of a dependency that may hold a shared library or a symlink's target.
  outPath = key: builtins.unsafeDiscardOutputDependency "${nodes.${key}.out}";

  # A transitional package holds nothing: what it depends on stands in for it.
  throughTransitional = keys: lib.unique (lib.concatMap (key:
    if builtins.match "deb:lib.*t64.*" key != null
    then [ key ] ++ throughTransitional (builtins.filter (next: builtins.match "deb:.*" next != null) lock.nodes.${key}.deps)
    else [ key ]) keys);

  make = key: node:
    let
      deb = builtins.match "deb:(.*)" key;
      minor = builtins.match "python:(.*)" key;
      pname = if minor != null then "python3" else sanitize (if deb == null then key else builtins.head deb);
      # What `overrideAttrs` sees: the fields of a package, and any more that reach the builder as variables.
      fields = {
        inherit pname;
        inherit (node) version;
        name = "${pname}-${node.version}";
        outputs = if deb == null then node.outputs else [ "out" ];
        postUnpack = if minor != null then pythonTweak (builtins.head minor) else tweaks.${key} or "" + typelibs node + setupHook key;
        meta = { platforms = lib.platforms.linux; description = "Debian's ${pname}"; };
        passthru = { };
      };
      build = rattrs:
        let
          attrs = rattrs (attrs // { finalPackage = drvs; });
          drv = derivation (removeAttrs attrs [ "pname" "version" "meta" "passthru" "postInstall" "postFixup" ] // {
            inherit system triplet;
            builder = "/bin/bash";
            args = [ ./debian-unpack.sh ];
            debs = map fetchDeb node.debs;
            deps = map outPath (throughTransitional node.deps);
            propagate = map (k: toString (lib.getDev nodes.${k})) node.propagate;
            postUnpack = attrs.postUnpack + attrs.postInstall or "" + attrs.postFixup or "";
          });
          common = {
            inherit (attrs) pname version meta passthru;
            debianPackages = map (d: "${d.name}=${d.version}") node.debs;
            propagatedBuildInputs = map (k: nodes.${k}) node.propagate;
            override = _: drvs;
            overrideAttrs = over: build (final:
              let
                prev = rattrs final;
                first = over prev;
                layer = if !builtins.isFunction over then over else if builtins.isFunction first then over final prev else first;
              in
              prev // layer);
          } // attrs.passthru;
          sets = lib.genAttrs attrs.outputs (o: drv.${o} // common // sets // { outputSpecified = true; });
          drvs = drv // common // sets;
        in
        drvs;
    in
    build (_: fields);

  nodes = builtins.mapAttrs make lock.nodes;
  named = lib.filterAttrs (key: _: builtins.match "(deb|python|tool):.*" key == null) nodes;
  aliases = builtins.mapAttrs (_: key: nodes.${key}) lock.aliases;
in
{
  inherit nodes triplet;
  # nixpkgs attribute paths; dotted ones become nested sets.
  packages = lib.foldl' lib.recursiveUpdateUntilDrv { } (lib.mapAttrsToList
    (path: drv: lib.setAttrByPath (lib.splitString "." path) drv) (named // aliases));
}
