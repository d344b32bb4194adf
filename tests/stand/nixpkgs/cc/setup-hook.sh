# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154
# What nixpkgs' cc-wrapper does for every build input: its headers and libraries are found without asking.
ccWrapper_addCVars() {
  if [ -d "$1/include" ]; then export NIX_CFLAGS_COMPILE="${NIX_CFLAGS_COMPILE-} -isystem $1/include"; fi
  if [ -d "$1/lib" ] && compgen -G "$1/lib/*.so*" >/dev/null; then export NIX_LDFLAGS="${NIX_LDFLAGS-} -L$1/lib"; fi
}
# shellcheck disable=SC2154
addEnvHooks "$targetOffset" ccWrapper_addCVars
export CC=gcc CXX=g++ AR=ar AS=as LD=ld NM=nm OBJCOPY=objcopy OBJDUMP=objdump RANLIB=ranlib READELF=readelf STRINGS=strings STRIP=strip SIZE=size
export NIX_CC=@out@
# Both wrappers read it; a derivation that sets hardeningDisable brings its own.
: "${NIX_HARDENING_ENABLE=bindnow format fortify fortify3 libcxxhardeningextensive libcxxhardeningfast pic relro stackclashprotection stackprotector strictoverflow zerocallusedregs}"
export NIX_HARDENING_ENABLE
