# shellcheck shell=bash disable=SC2154
# What nixpkgs' other default setup hooks do to outputs (build-support/setup-hooks), in our own words; the last two
# refuse what they find.

_fixupMove() { # FROM TO NAME: what FROM holds goes to TO, and FROM becomes a link of that name
  if [ ! -d "$1" ] || [ -L "$1" ]; then return 0; fi
  echo "moving $1 to $2"
  mkdir -p "$2"
  find "$1" -mindepth 1 -maxdepth 1 -exec mv --no-clobber -t "$2" {} +
  rmdir "$1"
  ln -s "$3" "$1"
}
_moveLib64() { [ -n "${dontMoveLib64-}" ] || _fixupMove "$prefix/lib64" "$prefix/lib" lib; }
_moveSbin() { [ -n "${dontMoveSbin-}" ] || _fixupMove "$prefix/sbin" "$prefix/bin" bin; }
_moveSystemdUserUnits() {
  [ -n "${dontMoveSystemdUserUnits-}" ] || _fixupMove "$prefix/lib/systemd/user" "$prefix/share/systemd/user" "$prefix/share/systemd/user"
}

_moveToShare() {
  local folder
  for folder in ${forceShare:-man doc info}; do
    if [ -d "$out/$folder" ] && [ ! -d "$out/share/$folder" ]; then
      echo "moving $out/$folder to $out/share/$folder"
      mkdir -p "$out/share"
      mv "$out/$folder" "$out/share/"
    fi
  done
}

compressManPages() {
  if [ -n "${dontGzipMan-}" ] || [ ! -d "$prefix/share/man" ] || [ -L "$prefix/share" ] || [ -L "$prefix/share/man" ]; then return 0; fi
  echo "gzipping man pages under $prefix/share/man/"
  local page target
  find "$prefix/share/man" -type f ! -regex '.*\.\(bz2\|gz\|xz\)$' -exec gzip -n -f {} +
  while IFS= read -r -d '' page; do
    target=$(readlink -f "$page")
    if [ -f "$target.gz" ]; then ln -sf "$target.gz" "$page.gz" && rm "$page"; fi
  done < <(find "$prefix/share/man" -type l ! -regex '.*\.\(bz2\|gz\|xz\)$' -print0 | sort -z)
}

auditTmpdir() {
  if [ -n "${noAuditTmpdir-}" ] || [ ! -e "$prefix" ]; then return 0; fi
  local file
  echo "checking for references to $TMPDIR/ in $prefix..."
  while IFS= read -r -d '' file; do
    if isELF "$file" && [[ ":$(patchelf --print-rpath "$file" 2>/dev/null)" == *":$TMPDIR/"* ]]; then
      echo "RPATH of binary $file contains a forbidden reference to $TMPDIR/"
      exit 1
    elif isScript "$file" && [ -e "${file%/*}/.${file##*/}-wrapped" ] && grep -qF "$TMPDIR/" "$file"; then
      echo "wrapper script $file contains a forbidden reference to $TMPDIR/"
      exit 1
    fi
  done < <(find "$prefix" -type f -print0)
}
fixupOutputHooks+=(_moveLib64 _moveSbin _moveSystemdUserUnits compressManPages auditTmpdir)
preFixupHooks+=(_moveToShare)

_makeSymlinksRelative() {
  if [ -n "${dontRewriteSymlinks-}" ]; then return 0; fi
  local output link target
  for output in $(getAllOutputNames); do
    [ -e "${!output}" ] || continue
    while IFS= read -r -d '' link; do
      target=$(readlink "$link")
      if [[ $target/ == "${!output}"/* ]]; then ln -snrf "$target" "$link"; fi
    done < <(find "${!output}" -type l -print0)
  done
}

noBrokenSymlinks() {
  if [ -n "${dontCheckForBrokenSymlinks-}" ]; then return 0; fi
  local output link target broken=0
  for output in $(getAllOutputNames); do
    [ -e "${!output}" ] || continue
    while IFS= read -r -d '' link; do
      target=$(readlink "$link")
      [[ $target == /* ]] || target=$(realpath --no-symlinks --canonicalize-missing "${link%/*}/$target")
      if [[ $target == "$TMPDIR"/* || ($target == "$NIX_STORE"/* && ($target == "$link" || ! -e $target)) ]]; then
        nixErrorLog "the symlink $link points to itself, to $TMPDIR or to what is missing: $target"
        broken=1
      fi
    done < <(find "${!output}" -type l -print0)
  done
  [ "$broken" = 0 ] || exit 1
}
postFixupHooks+=(_makeSymlinksRelative noBrokenSymlinks)

# The time of a build is that of the newest file in its source, if that is no time of today.
_setSourceDateEpochToLatest() {
  local newest
  if [ -z "${sourceRoot-}" ] || [ ! -d "$sourceRoot" ]; then return 0; fi
  newest=$(find "$sourceRoot" -type f -not -newer "$NIX_BUILD_TOP/.." -printf '%T@\n' | sort -n | tail -n 1)
  newest=${newest%.*}
  if [ -n "$newest" ] && [ "$newest" -gt "$SOURCE_DATE_EPOCH" ]; then export SOURCE_DATE_EPOCH=$newest; fi
}
postUnpackHooks+=(_setSourceDateEpochToLatest)
