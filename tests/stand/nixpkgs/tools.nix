# Programs of the sandbox's base system as packages: bin/x is a symlink to /usr/bin/x.
{ lib, system, base }:
let
  link = { pname, version, script, hook ? "" }:
    derivation {
      name = "${pname}-${version}";
      inherit system hook base;
      builder = "/bin/bash";
      args = [ "-euc" ''
        PATH=/usr/bin
        mkdir -p $out/bin
        ${script}
        if [ -n "$hook" ]; then mkdir -p $out/nix-support; printf '%s\n' "$hook" > $out/nix-support/setup-hook; fi
      '' ];
    };
in
rec {
  # What is on the PATH of every stdenv: as in nixpkgs no compiler (that is the wrapper), no perl, python, git, unzip.
  initialPath = link {
    pname = "stdenv-initial-path";
    version = "1";
    script = ''
      for program in /usr/bin/*; do
        name=''${program##*/}
        case $name in
          *-linux-gnu* | gcc* | g++* | c++* | c[89]9* | cpp* | gcov* | lto-dump* | cc | gp-* | gprof* | perl* | python* | dpkg* | update-alternatives) continue ;;
          as | ld | ld.* | ar | nm | objcopy | objdump | ranlib | readelf | strings | strip | size | addr2line | c++filt | elfedit | dwp | gold) continue ;;
          unzip* | zip* | funzip | zstd* | unzstd | which* | hostname | dnsdomainname | domainname | nisdomainname | ypdomainname | git* | pkg-config | pkgconf) continue ;;
        esac
        ln -s "$program" "$out/bin/$name"
      done
    '';
  };
  tool = pname: { programs ? [ pname ], version ? "stand", hook ? "" }:
    link { inherit pname version hook; script = lib.concatMapStrings (p: "[ ! -e /usr/bin/${p} ] || ln -s /usr/bin/${p} $out/bin/${p}\n") programs; }
    // { inherit pname version; meta = { mainProgram = builtins.head programs; platforms = lib.platforms.linux; }; };
}
