# shellcheck shell=bash
# The builder's environment and setup hooks set and read what shellcheck cannot see.
# shellcheck disable=SC2154
# Turn Debian packages into a nixpkgs-shaped store path: lib/, include/, bin/, lib/pkgconfig, RUNPATHs into the store.
# Environment: debs, deps (store paths), outputs, propagate, triplet. No stdenv: it is made from this.
set -euo pipefail
shopt -s nullglob
PATH=/usr/bin
: "${bin:=$out}" "${dev:=$out}"

root=$PWD/root
mkdir -p "$root/usr/lib" "$root/usr/bin" "$root/usr/lib64" "$root/usr/sbin"
for name in lib bin lib64 sbin; do ln -s "usr/$name" "$root/$name"; done
for deb in $debs; do
  dpkg-deb --fsys-tarfile "$deb" | tar -C "$root" -x --no-same-owner --keep-directory-symlink
done
rm "$root"/{lib,bin,lib64,sbin}

# Debian's path → path below the output; empty for what has no place.
mapped() {
  case $1 in
    /usr/lib/"$triplet"/* | /lib/"$triplet"/*) echo "lib/${1#*/"$triplet"/}" ;;
    /usr/lib/"$triplet" | /lib/"$triplet") echo lib ;;
    /usr/include/"$triplet"/*) echo "include/${1#*/"$triplet"/}" ;;
    /usr/sbin/* | /sbin/*) echo "bin/${1##*/}" ;;
    /usr/*) echo "${1#/usr/}" ;;
    /lib/* | /bin/* | /etc/*) echo "${1#/}" ;;
  esac
}

# Symlinks first, while the old tree still says what they mean.
declare -A links=()
while IFS= read -r -d '' link; do
  inside=${link#"$root"}
  target=$(readlink "$link")
  [[ $target == /* ]] || target=$(realpath -ms "${inside%/*}/$target")
  from=$(mapped "$inside")
  to=$(mapped "$target")
  rm "$link"
  if [ -n "$from" ] && [ -n "$to" ] && [ "$from" != "$to" ]; then links[$from]=$to; fi
done < <(find "$root" -type l -print0)

place() { # source folder, folder below $out
  [ -d "$1" ] || return 0
  mkdir -p "$out/$2"
  cp -a "$1/." "$out/$2/"
  rm -rf "$1"
}
mkdir -p "$out"
multi=$root/usr/lib/$triplet
incl=$root/usr/include/$triplet
mkdir -p "$PWD/multi" "$PWD/incl"
[ ! -d "$multi" ] || mv "$multi" "$PWD/multi/x"
[ ! -d "$incl" ] || mv "$incl" "$PWD/incl/x"
rm -rf "$root"/usr/share/{doc,man,info,locale,bug,lintian,doc-base,bash-completion,perl5,python3} "$root/usr/lib/debug"
place "$root/usr/lib" lib
place "$root/usr/include" include
place "$PWD/multi/x" lib
place "$PWD/incl/x" include
place "$root/usr/sbin" bin
place "$root/usr" .
place "$root/etc" etc
rmdir "$out/lib64" "$out/bin" "$out/sbin" "$out/lib" 2>/dev/null || true
for from in "${!links[@]}"; do
  to=${links[$from]}
  mkdir -p "$out/$(dirname "$from")"
  if [ -e "$out/$to" ] || [ -n "${links[$to]-}" ]; then
    [ -e "$out/$from" ] || ln -s "$(realpath -ms --relative-to="$out/$(dirname "$from")" "$out/$to")" "$out/$from"
    continue
  fi
  for dep in $deps; do
    if [ -e "$dep/$to" ] && [ ! -e "$out/$from" ]; then ln -s "$dep/$to" "$out/$from"; fi
  done
done
chmod -R u+w "$out"
find "$out" -type d -empty -delete
mkdir -p "$out"
find "$out" -xtype l -delete

# No static twin of a shared library, no libtool archives: as in nixpkgs.
for archive in "$out"/lib/*.a; do [ ! -e "${archive%.a}.so" ] || rm "$archive"; done
find "$out" -name '*.la' -delete

# Text that names Debian's places.
rewrite() {
  sed -i -E \
    -e "s,(/usr|\\\$\{(exec_)?prefix\}|\\\$\{pc_top_builddir\}|\\\$(exec_)?prefix)/(lib|include)/$triplet,\1/\4,g" \
    -e "s,/usr/include,$dev/include,g; s,/usr/lib,$out/lib,g" \
    -e "s,^(libdir ?= ?[\"']?)(\\\$\{(exec_)?prefix\}|\\\$(exec_)?prefix)/lib,\1$out/lib,; s,^(prefix ?= ?[\"']?)/usr,\1$dev,; s,^(exec_prefix ?= ?[\"']?)/usr,\1$out," \
    -e "s,-L/usr/lib/$triplet,-L$out/lib,g" "$1"
}
for file in "$out"/lib/pkgconfig/*.pc "$out"/share/pkgconfig/*.pc; do
  [ -f "$file" ] || continue
  rewrite "$file"
  sed -i '/^Requires.private:/d; /^Libs.private:/d' "$file"
done
while IFS= read -r -d '' file; do rewrite "$file"; done < <(find "$out/lib/cmake" "$out/share/cmake" -type f -name '*.cmake' -print0 2>/dev/null || true)
for file in "$out"/bin/* "$out"/lib/*.so; do
  if [ -f "$file" ] && [ ! -L "$file" ] && [ "$(head -c 4 "$file" | tr -d '\0')" != $'\177ELF' ]; then rewrite "$file"; fi
done

# RUNPATHs: where every needed library is, among our own and the dependencies'.
base='^(libc|libm|libdl|libpthread|librt|libutil|libresolv|libanl|libnsl|libmvec|libgcc_s|libstdc\+\+|ld-linux[a-z0-9-]*)\.so'
declare -A where=()
for folder in $deps "$out"; do
  [ -d "$folder/lib" ] || continue
  while IFS= read -r -d '' library; do where[${library##*/}]=${library%/*}; done < <(find -H "$folder/lib" -name '*.so*' -print0 | sort -z -r)
done
while IFS= read -r -d '' file; do
  [ "$(head -c 4 "$file" | tr -d '\0')" = $'\177ELF' ] || continue
  needed=$(patchelf --print-needed "$file" 2>/dev/null) || continue
  paths=()
  case $file in *.so | *.so.*) paths=("$out/lib") ;; esac
  for name in $needed; do
    [[ ! $name =~ $base ]] || continue
    dir=${where[$name]-}
    if [ -z "$dir" ]; then
      echo "warning: ${file#"$out"/} needs $name, which no dependency has" >&2
    elif [[ " ${paths[*]-} " != *" $dir "* ]]; then
      paths+=("$dir")
    fi
  done
  [ -n "$needed" ] || continue
  joined=$(IFS=:; echo "${paths[*]-}")
  if [ -n "$joined" ]; then patchelf --set-rpath "$joined" "$file"; else patchelf --remove-rpath "$file"; fi
done < <(find "$out" -type f -print0)

[ -z "${postUnpack-}" ] || eval "$postUnpack"

move() { # pattern below $out, other output
  local source target
  for source in "$out"/$1; do
    [ -e "$source" ] || [ -L "$source" ] || continue
    target=$2/${source#"$out"/}
    mkdir -p "${target%/*}"
    mv "$source" "$target"
    rmdir "${source%/*}" 2>/dev/null || true
  done
}
if [ "$dev" != "$out" ]; then
  mkdir -p "$dev/nix-support"
  for part in include lib/pkgconfig share/pkgconfig lib/cmake share/aclocal 'bin/*-config' 'bin/*-config.*'; do move "$part" "$dev"; done
  # Programs that name `dev` (which names `out`) are programs for building: they lie in `dev`, as in nixpkgs.
  for file in "$out"/bin/*; do
    if [ -f "$file" ] && grep -qF "$dev" "$file"; then move "bin/${file##*/}" "$dev"; fi
  done
  echo "$out" "$([ "$bin" = "$out" ] || echo "$bin")" "$propagate" >"$dev/nix-support/propagated-build-inputs"
elif [ -n "$propagate" ]; then
  mkdir -p "$out/nix-support"
  echo "$propagate" >"$out/nix-support/propagated-build-inputs"
fi
if [ "$bin" != "$out" ]; then
  mkdir -p "$bin"
  move bin "$bin"
fi
mkdir -p "$out"
