"""``wheels`` and ``sdist`` of a locked package → locked files."""

from __future__ import annotations

from urllib.parse import unquote

from packaging.version import Version

from uvlock2nix.lock.model import LockedFile
from uvlock2nix.lock.wire import Problems, Table, shorten
from uvlock2nix.regex import regex

_WHEEL_KEYS = frozenset(("url", "path", "filename", "hash", "size", "upload-time", "upload_time", "zstd"))
# The form of nearly every entry of a lock; the few others are parsed in full.
_PLAIN_URL = regex(r"https?://[!$&-.0-9:;=@A-Z_a-z~/]+/([0-9A-Za-z_][0-9A-Za-z_.!-]*)")
_PLAIN_HASH = regex(r"sha256:[0-9a-f]{64}")
_SDIST_KEYS = frozenset(("url", "path", "hash", "size", "upload-time", "upload_time"))


def read_wheels(
    tables: object, version: str | None, where: str, problems: Problems
) -> tuple[LockedFile, ...]:
    """All wheels of a package, checked against the package's version as uv does."""
    if not isinstance(tables, list):
        problems.add(where, "wheels", "is not an array")
        return ()
    found = []
    for table in tables:
        if not isinstance(table, dict):
            problems.add(where, "wheels", "contains something that is not a table")
            continue
        problems.check_keys(table, _WHEEL_KEYS, "wheels")
        file = _read_file(table, f"{where}: wheels", problems)
        if file is not None and _check_wheel_name(file.filename, version, f"{where}: wheels", problems):
            found.append(file)
    return tuple(found)


def check_wheels(
    files: tuple[LockedFile, ...], version: str | None, where: str, problems: Problems
) -> tuple[LockedFile, ...]:
    """The ``files`` named as wheels of this version; the others are problems."""
    where = f"{where}: wheels"
    return tuple(file for file in files if _check_wheel_name(file.filename, version, where, problems))


def read_sdist(table: object, where: str, problems: Problems) -> LockedFile | None:
    """The sdist entry; one without url and path only has the hash of the package's source."""
    if not isinstance(table, dict):
        problems.add(where, "sdist", "is not a table")
        return None
    problems.check_keys(table, _SDIST_KEYS, "sdist")
    if not table.keys() & {"url", "path"}:
        where = f"{where}: sdist"
        return LockedFile("", None, None, problems.hash(table, where), problems.size(table, where), None)
    return _read_file(table, f"{where}: sdist", problems)


def file_name_of(place: str) -> str:
    """The file name in a URL or path: the last segment, without query and fragment, unquoted."""
    base = place.partition("#")[0].partition("?")[0]
    name = base.rpartition("/")[2]
    return unquote(name) if "%" in name else name


def _read_file(table: Table, where: str, problems: Problems) -> LockedFile | None:
    if (plain := _read_plain(table, where, problems)) is not None:
        return plain
    url = path = None
    if "url" in table:
        url = problems.url(table, "url", where)
        place, key = url, "url"
    elif "path" in table:
        path = problems.text(table, "path", where)
        place, key = path, "path"
    else:
        place, key = problems.text(table, "filename", where, required=True), "filename"
    if place is None:
        return None
    if key == "url":
        filename = file_name_of(place)
    elif key == "path":
        filename = place.replace("\\", "/").rpartition("/")[2]
    else:
        filename = place
    if not filename or filename in {".", ".."} or "/" in filename or not filename.isprintable():
        problems.add(where, key, f"has no usable file name: {shorten(place)}")
        return None
    uploaded = table.get("upload-time", table.get("upload_time"))
    return LockedFile(
        filename,
        url,
        path,
        problems.hash(table, where) if "hash" in table else None,
        problems.size(table, where) if "size" in table else None,
        None if uploaded is None else str(uploaded)[:64],
    )


def _read_plain(table: Table, where: str, problems: Problems) -> LockedFile | None:
    """Parse an entry of the usual form quickly; None for any other. The result is that of the full parser."""
    url, digest, uploaded = table.get("url"), table.get("hash"), table.get("upload-time")
    if (
        type(url) is not str
        or type(digest) is not str
        or (uploaded is not None and type(uploaded) is not str)
    ):
        return None
    match = _PLAIN_URL.fullmatch(url)
    if (
        match is None
        or _PLAIN_HASH.fullmatch(digest) is None
        or (uploaded is None and "upload_time" in table)
    ):
        return None
    size = problems.size(table, where) if "size" in table else None
    return LockedFile(match[1], url, None, digest, size, uploaded and uploaded[:64])


def _check_wheel_name(filename: str, version: str | None, where: str, problems: Problems) -> bool:
    """Whether it is a wheel's name of this version (the lock may leave out a local version part)."""
    parts = filename.split("-")
    if not filename.endswith(".whl") or len(parts) not in (5, 6) or not all(parts):
        problems.add(where, "", f"{shorten(filename)} is not a wheel's name")
        return False
    if version is None or parts[1] == version:
        return True
    try:
        locked, named = Version(version), Version(parts[1].replace("_", "-"))
    except ValueError:
        problems.add(where, "", f"{shorten(filename)} has no valid version")
        return False
    if locked != named and str(locked) != named.public:
        problems.add(where, "", f"{shorten(filename)} is not of version {version}")
        return False
    return True
