# A stand-in for nixpkgs' dockerTools: images in the same form, with the same rules of what is in them. Layers are made by
# `layeringPipeline`, without it one for each store path, those that most others need first, the rest together; then one
# with `contents` linked into the root and what `extraCommands` makes. Owner root, dates of 1970, no shell and no /tmp unless somebody puts them there.
# The C library is no store path here, nor is bash: they are added to the last layer, where nixpkgs has nothing.
# Not here: fromImage, fakeRootCommands, enableFakechroot, and images that are no layered ones.
{ lib, stdenv, runCommand, writeText, symlinkJoin, python3 }:
let
  architecture = { x86_64 = "amd64"; aarch64 = "arm64"; }.${lib.head (lib.splitString "-" stdenv.hostPlatform.system)};

  described = { name, tag ? null, contents ? [ ], config ? { }, extraCommands ? "", created ? "1970-01-01T00:00:01Z", maxLayers ? 100, layeringPipeline ? null, ... }@args:
    let
      unknown = lib.subtractLists [ "name" "tag" "contents" "config" "extraCommands" "created" "maxLayers" "layeringPipeline" "includeStorePaths" "meta" "passthru" ] (lib.attrNames args);
      root = symlinkJoin { name = "${name}-root"; paths = lib.toList contents; };
      settings = writeText "${name}-config.json" (builtins.toJSON {
        inherit architecture config created;
        os = "linux";
      });
    in
    if unknown != [ ] then throw "the stand's dockerTools does not know ${toString unknown}"
    else {
      inherit name extraCommands maxLayers root settings created;
      tag = if tag == null then "latest" else tag;
      pipeline = builtins.toJSON (
        if layeringPipeline != null then layeringPipeline else [ [ "popularity_contest" ] [ "limit_layers" (maxLayers - 1) ] ]
      );
    };

  # The archive on standard output, by a program that knows what goes in.
  command = about: "${python3.interpreter} ${./docker-image.py} ${lib.escapeShellArgs [ about.name about.tag about.pipeline about.settings ]}";
in
rec {
  # nixpkgs' is the one that takes the arguments, and makes a program that writes the image.
  streamLayeredImage = lib.setFunctionArgs (_: throw "the stand's dockerTools has no streamLayeredImage") (lib.functionArgs described);
  buildLayeredImage = args:
    let about = described args; in
    runCommand "${about.name}.tar.gz"
      {
        exportReferencesGraph = [ "closure" about.root "closure-of-settings" about.settings ];
        passthru = { imageName = about.name; imageTag = about.tag; } // args.passthru or { };
        meta = args.meta or { };
      } ''
      # As there, links to what is in `contents` come first.
      mkdir extra
      cp -a ${about.root}/. extra
      chmod -R u+w extra
      (cd extra; ${about.extraCommands})
      mkdir -p extra/usr/bin extra/usr/lib64 extra/usr/lib/stand-private
      cp -a /usr/bin/bash extra/usr/bin/
      cp -a /usr/lib64/ld-linux* extra/usr/lib64/
      cp -a /usr/lib/stand-private/libtinfo.so* extra/usr/lib/stand-private/
      for folder in /usr/lib/*-linux-gnu; do
        mkdir -p extra$folder
        for name in "ld-linux-*" lib{c,m,dl,pthread,rt,resolv,util,gcc_s,stdc++}".so.*"; do cp -a $folder/$name extra$folder/; done
      done
      ln -s usr/lib64 extra/lib64
      ${command about} closure closure-of-settings extra | gzip -n -1 > $out
    '';
}
