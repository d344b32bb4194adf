# The wrapped compiler of the base system as a package: bin/{gcc,g++,cc,c++,cpp,ld,ar,…} and the setup hook. `base` names the base system's
# content, so that a newer compiler is another store path.
{ system, version, base }:
let
  # What the wrapper wraps (nixpkgs' `stdenv.cc.cc`): its output `lib` holds the run-time libraries, which wheels
  # take from the system; the compiler itself stays in the base system's /usr.
  cc = derivation {
    name = "gcc-${version}";
    inherit system version;
    builder = "/bin/bash";
    outputs = [ "out" "lib" ];
    args = [ "-euc" ''
      PATH=/usr/bin
      mkdir -p $out $lib/lib
      for name in libstdc++.so.6 libgcc_s.so.1 libgomp.so.1 libatomic.so.1 libgfortran.so.5 libquadmath.so.0; do
        for file in /usr/lib/*-linux-gnu/$name; do
          if [ -e "$file" ]; then cp "$file" "$lib/lib/$name"; fi
        done
      done
    '' ];
  };
in
derivation {
  name = "gcc-wrapper-${version}";
  inherit system version base;
  builder = "/bin/bash";
  wrapper = ./wrapper.sh;
  ld = ./ld.sh;
  hook = ./setup-hook.sh;
  args = [ "-euc" ''
    PATH=/usr/bin
    mkdir -p $out/bin $out/nix-support
    for program in gcc:gcc: g++:g++:1 cc:gcc: c++:g++:1 cpp:cpp:; do
      IFS=: read -r name real cxx <<<"$program"
      for prefix in "" x86_64-linux-gnu- ; do
        sed "s,@real@,/usr/bin/$real,; s,@cxx@,$cxx,; s,@ld@,$out,g" $wrapper > $out/bin/$prefix$name
        chmod +x $out/bin/$prefix$name
      done
    done
    for program in ld ld.bfd; do
      sed "s,@program@,$program,; s,@ld@,$out,g" $ld > $out/bin/$program
      chmod +x $out/bin/$program
    done
    for program in ar as nm objcopy objdump ranlib readelf strip strings size addr2line gcc-ar gcc-nm gcc-ranlib gcov c++filt; do
      ln -s /usr/bin/$program $out/bin/$program
      ln -s /usr/bin/$program $out/bin/x86_64-linux-gnu-$program
    done
    substitute=$(sed "s,@out@,$out,g" $hook)
    printf '%s\n' "$substitute" > $out/nix-support/setup-hook
  '' ];
} // {
  inherit cc;
}
