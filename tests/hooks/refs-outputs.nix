# Derivations of a user's own, as tests/hooks/test_refs_outputs.py builds them: several outputs, a build command,
# nothing to do, and phases that fail.
{
  structured ? true,
  salt ? "",
}:
let
  pkgs = import <nixpkgs> { overlays = [ (import ../../nix/overlay.nix) ]; };
  xml = pkgs.libxml2.out;
  referenceInputs = [ "libxml2=${xml}" ];
  base = {
    name = "two${salt}";
    __structuredAttrs = structured;
    dontUnpack = true;
    inherit referenceInputs;
  };
  # What $out is, written down so that two states of it can be compared.
  state = "(cd $out; find . -type f | sort | xargs sha256sum; find . -printf '%p %m %l\\n' | sort)";
in
rec {
  stripped = pkgs.stdenv.mkDerivation (
    base
    // {
      outputs = [
        "out"
        "dev"
      ];
      nativeBuildInputs = [ pkgs.stripReferencesHook ];
      buildInputs = [ pkgs.libxml2 ];
      buildPhase = ''
        echo 'extern int xmlKeepBlanksDefault(int); int f(void) { return xmlKeepBlanksDefault(1); }' > f.c
        $CC -shared -fPIC -s f.c -o libf.so -lxml2
        echo '#include <stdio.h>
          extern int f(void); int main(void) { f(); puts(OUT); }' > tool.c
        $CC -s -DOUT="\"$out/share/text\"" tool.c -o tool -L. -lf -Wl,-rpath,$out/lib
      '';
      installPhase = ''
        mkdir -p $out/lib $out/share $dev/bin $dev/include
        cp libf.so $out/lib/
        cp tool $dev/bin/
        echo "own $out, xml ${xml}" > $out/share/text
        echo "own $dev, other $out, xml ${xml}" > $dev/include/f.h
      '';
    }
  );

  restored = pkgs.stdenv.mkDerivation (
    base
    // {
      outputs = [
        "out"
        "dev"
      ];
      nativeBuildInputs = [ pkgs.restoreReferencesHook ];
      installPhase = ''
        cp -r --no-preserve=mode ${stripped.out} $out
        cp -r --no-preserve=mode ${stripped.dev} $dev
        chmod +x $dev/bin/tool
      '';
      postFixup = "$dev/bin/tool > $out/share/said";
    }
  );

  # A build command has no phases: it calls them; the second time there is nothing left to do.
  command = pkgs.runCommandCC "command${salt}" {
    __structuredAttrs = structured;
    nativeBuildInputs = [
      pkgs.stripReferencesHook
      pkgs.restoreReferencesHook
    ];
    inherit referenceInputs;
  } ''
    mkdir $out
    echo ${xml} > $out/text
    ${state} > before
    stripReferencesPhase
    if grep -rF ${xml} $out; then exit 1; fi
    ${state} > between
    stripReferencesPhase
    ${state} | diff between -
    restoreReferencesPhase
    ${state} > after
    restoreReferencesPhase
    ${state} | diff after -
    rm -r $out/nix-support
    ${state} | diff before -
  '';

  # Nothing of the output has to change.
  nothing = pkgs.stdenv.mkDerivation (
    base
    // {
      nativeBuildInputs = [
        pkgs.stripReferencesHook
        pkgs.restoreReferencesHook
      ];
      referencesManifest = "none";
      installPhase = ''
        mkdir $out
        echo text > $out/text
        touch -d @1000000000 $out/text
        stat -c '%i %Y' $out/text > $NIX_BUILD_TOP/before
      '';
      preStripReferences = "stat -c '%i %Y' $out/text | diff $NIX_BUILD_TOP/before -";
      postStripReferences = "stat -c '%i %Y' $out/text | diff $NIX_BUILD_TOP/before -";
    }
  );

  # One of the files cannot be restored, one cannot be stripped: everything is as it was.
  failing = pkgs.stdenv.mkDerivation (
    base
    // {
      nativeBuildInputs = [
        pkgs.stripReferencesHook
        pkgs.restoreReferencesHook
      ];
      dontRestoreReferences = true;
      dontStripReferences = true;
      installPhase = ''
        cp -r --no-preserve=mode ${stripped.out} $out
        sed -i 's/"count": 1/"count": 7/' $out/nix-support/uvlock2nix/manifest.json
        printf '\x7fELF\2\1\1 broken ${xml}' > $out/broken.so
        ${state} > before
        set +e
        (set -e; restoreReferencesPhase) > said 2>&1
        code=$?
        set -e
        cat said
        [ $code = 3 ]
        if grep Finished said; then exit 1; fi
        ${state} | diff before -
        set +e
        (set -e; stripReferencesPhase) > said 2>&1
        code=$?
        set -e
        cat said
        [ $code = 1 ]
        if grep Finished said; then exit 1; fi
        rm -r $out
        mkdir $out
      '';
    }
  );
}
