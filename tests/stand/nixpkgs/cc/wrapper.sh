#!/bin/bash
# The compiler as nixpkgs wraps it: flags of the build inputs come by NIX_CFLAGS_COMPILE, linking goes through our ld.
real=@real@
linking=1
stdin=
cxx=@cxx@
noInputs=1
for p in "$@"; do
  case $p in
    -c | -S | -E | -M | -MM | -fsyntax-only | --version | -dumpversion | -dumpmachine | -print-* | --print-*) linking= ;;
    -nostdinc) nostdinc=1 ;;
    -) stdin=1 noInputs= ;;
    -v | -V) ;;
    -*) ;;
    *) noInputs= ;;
  esac
done
[ -z "$stdin" ] || linking=
# The preprocessor reads its standard input when it is given no file.
case $real in
  */cpp)
    noInputs=
    linking=
    ;;
esac
read -r -a before <<<"${NIX_CFLAGS_COMPILE_BEFORE-}"
# shellcheck disable=SC2206
after=(${NIX_CFLAGS_COMPILE-})
# shellcheck disable=SC2206
[ -z "$cxx" ] || after+=(${NIX_CXXSTDLIB_COMPILE-})
[ -z "${nostdinc-}" ] || after=()
if [ -n "$linking" ] && [ -z "$noInputs" ]; then
  # shellcheck disable=SC2206
  after+=(${NIX_CFLAGS_LINK-})
fi
if [ -n "$noInputs" ]; then exec "$real" "$@"; fi
# What nixpkgs hardens by default (add-hardening.sh), as far as it is for a compiler of GNU's.
case " ${NIX_HARDENING_ENABLE-} " in
  *" fortify3 "*) before+=(-O2 -U_FORTIFY_SOURCE) after+=(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) ;;
  *" fortify "*) before+=(-O2 -U_FORTIFY_SOURCE) after+=(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) ;;
esac
for flag in ${NIX_HARDENING_ENABLE-}; do
  case $flag in
    format) before+=(-Wformat -Wformat-security -Werror=format-security) ;;
    pic) before+=(-fPIC) ;;
    stackclashprotection) before+=(-fstack-clash-protection) ;;
    stackprotector) before+=(-fstack-protector-strong --param ssp-buffer-size=4) ;;
    strictoverflow) before+=(-fno-strict-overflow) ;;
    zerocallusedregs) before+=(-fzero-call-used-regs=used-gpr) ;;
  esac
done
if [ -n "${NIX_DEBUG-}" ]; then printf 'cc wrapper: %q ' "$real" "${before[@]}" "$@" "${after[@]}" >&2; echo >&2; fi
exec "$real" -B@ld@/bin "${before[@]}" "$@" "${after[@]}"
