"""pylock.toml (PEP 751) → ``Lock``.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

from packaging.version import Version

from uvlock2nix.errors import LockError
from uvlock2nix.lock.files import file_name_of
from uvlock2nix.lock.markers import MarkerError, parse_marker
from uvlock2nix.lock.model import (
    DirectorySource,
    EditableSource,
    GitSource,
    Lock,
    LockedFile,
    Package,
    PathSource,
    RegistrySource,
    Source,
    UrlSource,
)
from uvlock2nix.lock.sources import COMMIT, inner_path, is_git_place
from uvlock2nix.lock.wire import Problems, Table, is_specifier, shorten
from uvlock2nix.net.urls import shown_url

_TOP_KEYS = frozenset(
    [
        "lock-version",
        "environments",
        "requires-python",
        "extras",
        "dependency-groups",
        "default-groups",
        "created-by",
        "packages",
        "tool",
    ]
)
_PACKAGE_KEYS = frozenset(
    [
        "name",
        "version",
        "marker",
        "requires-python",
        "dependencies",
        "vcs",
        "directory",
        "archive",
        "index",
        "sdist",
        "wheels",
        "attestation-identities",
        "tool",
    ]
)
_FILE_KEYS = frozenset(("name", "upload-time", "url", "path", "size", "hashes"))
_HASH_ORDER = ("sha256", "sha512", "sha384", "blake2b", "sha224", "sha1", "md5")
_HINT = "write the file again with the tool that created it (created-by)"


def parse_pylock(table: Table, file: str) -> Lock:
    """Parse the lock in a pylock.toml. Raises LockError with every problem."""
    version = table.get("lock-version")
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise LockError(
            f"{file}: lock-version {shorten(repr(version), 40)}; this uvlock2nix reads 1.0",
            hint="update uvlock2nix, or write the file in version 1.0",
        )
    problems = Problems(file)
    problems.check_keys(table, _TOP_KEYS, "")
    requires = problems.text(table, "requires-python", "lock") or ""
    _check_specifier(requires, "lock", problems)
    packages = tuple(
        _package(number, entry, problems)
        for number, entry in enumerate(problems.tables(table, "packages", "lock"))
    )
    environments = problems.texts(table, "environments", "lock")
    for marker in environments:
        _check_marker(marker, "lock", "environments", problems)
    problems.raise_if_any(LockError, _HINT)
    minor = version.partition(".")[2]
    warnings = (
        [] if minor == "0" else [f"{file}: lock-version {version} is newer than 1.0; reading it anyway"]
    )
    if (unknown := problems.unknown_warning()) is not None:
        warnings.append(unknown)
    return Lock(
        flavour="pylock",
        version=version,
        revision=0,
        requires_python=requires,
        packages=packages,
        supported_markers=environments,
        extras=problems.names(table, "extras", "lock"),
        groups=problems.names(table, "dependency-groups", "lock"),
        default_groups=problems.names(table, "default-groups", "lock"),
        warnings=("; ".join(warnings),) if warnings else (),
    )


def _package(number: int, entry: Table, problems: Problems) -> Package:
    name = problems.name(entry.get("name"), f"package #{number + 1}", "name")
    version = problems.text(entry, "version", f"package {name}")
    where = f"package {name} {version}" if version else f"package {name}"
    problems.check_keys(entry, _PACKAGE_KEYS, "packages")
    if version is not None:
        try:
            version = str(Version(version))
        except ValueError:
            problems.add(where, "version", f"is not a version: {shorten(version)}")
    marker = problems.text(entry, "marker", where) or ""
    _check_marker(marker, where, "marker", problems)
    _check_specifier(problems.text(entry, "requires-python", where) or "", where, problems)
    kinds = [key for key in ("vcs", "directory", "archive") if key in entry]
    if len(kinds) > 1 or (kinds and ("sdist" in entry or "wheels" in entry)):
        problems.add(where, "", f"has more than one of {', '.join(kinds)}, sdist and wheels")
    sdist: LockedFile | None = None
    wheels: tuple[LockedFile, ...] = ()
    if kinds:
        source, file = _direct_source(entry, kinds[0], where, problems)
        if file is not None and file.filename.endswith(".whl"):
            wheels = (file,)
        elif file is not None:
            sdist = file
    else:
        source = RegistrySource(problems.url(entry, "index", where))
        if "sdist" in entry:
            sdist = _file(problems.table(entry, "sdist", where), f"{where}: sdist", problems)
        found = (
            _file(item, f"{where}: wheels", problems) for item in problems.tables(entry, "wheels", where)
        )
        wheels = tuple(file for file in found if file is not None)
        if sdist is None and not wheels:
            problems.add(where, "", "has neither vcs, directory, archive, sdist nor wheels")
    return Package(
        index=number, name=name, version=version, source=source, sdist=sdist, wheels=wheels, marker=marker
    )


def _direct_source(
    entry: Table, kind: str, where: str, problems: Problems
) -> tuple[Source, LockedFile | None]:
    table = problems.table(entry, kind, where)
    where = f"{where}: {kind}"
    inner = problems.text(table, "subdirectory", where)
    subdirectory = inner_path(inner, where, "subdirectory", problems)
    if kind == "vcs":
        if table.get("type") != "git":
            problems.add(where, "type", f"is {shorten(repr(table.get('type')), 40)}; only git can be fetched")
        url = problems.text(table, "url", where) or problems.text(table, "path", where, required=True)
        commit = problems.text(table, "commit-id", where, required=True)
        if (url is not None and url.startswith("-")) or ("url" in table and not is_git_place(url or "")):
            problems.add(where, "url", f"is not a URL that can be fetched: {shorten(shown_url(url or ''))}")
        if commit is not None and not COMMIT.fullmatch(commit):
            problems.add(where, "commit-id", f"is not a commit: {shorten(commit)}")
        requested = problems.text(table, "requested-revision", where)
        return GitSource(url or "", (commit or "").lower(), rev=requested, subdirectory=subdirectory), None
    if kind == "directory":
        path = problems.text(table, "path", where, required=True) or ""
        editable = problems.boolean(table, "editable", where)
        return (EditableSource(path) if editable else DirectorySource(path)), None
    file = _file(table, where, problems)
    if file is None or file.url is None:
        return PathSource(file.path or "" if file else ""), file
    return UrlSource(file.url, subdirectory), file


def _file(table: Table, where: str, problems: Problems) -> LockedFile | None:
    problems.check_keys(table, _FILE_KEYS | {"subdirectory"}, "files")
    url = problems.url(table, "url", where)
    path = None if url is not None else problems.text(table, "path", where)
    place = url or path
    name = problems.text(table, "name", where)
    if name is None and place is not None:
        name = file_name_of(place) if url else place.replace("\\", "/").rpartition("/")[2]
    if place is None or not name or "/" in name or name in {".", ".."}:
        problems.add(where, "url" if place is None else "name", "is missing or not usable")
        return None
    hashes = problems.table(table, "hashes", where)
    algorithm = next((key for key in _HASH_ORDER if key in hashes), None)
    digest = None if algorithm is None else problems.hash({"hash": f"{algorithm}:{hashes[algorithm]}"}, where)
    uploaded = table.get("upload-time")
    return LockedFile(
        name, url, path, digest, problems.size(table, where), None if uploaded is None else str(uploaded)[:64]
    )


def _check_marker(marker: str, where: str, key: str, problems: Problems) -> None:
    if marker:
        try:
            parse_marker(marker)
        except MarkerError as error:
            problems.add(where, key, f"{error}: {shorten(marker)}")


def _check_specifier(text: str, where: str, problems: Problems) -> None:
    if not is_specifier(text):
        problems.add(where, "requires-python", f"is not a version specifier: {shorten(text)}")
