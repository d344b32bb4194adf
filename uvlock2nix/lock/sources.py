"""``source = { … }`` of a locked package → one of the closed source variants."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit, urlunsplit

from uvlock2nix.lock.model import (
    DirectorySource,
    EditableSource,
    GitSource,
    PathSource,
    RegistrySource,
    Source,
    UrlSource,
    VirtualSource,
)
from uvlock2nix.lock.wire import Problems, Table, shorten
from uvlock2nix.regex import regex

_KINDS = ("registry", "git", "url", "path", "directory", "editable", "virtual")
_KNOWN = {
    **{kind: frozenset((kind,)) for kind in _KINDS},
    "url": frozenset(("url", "subdirectory")),
}
_GIT_SCHEMES = frozenset(("https", "http", "ssh", "git", "file"))
COMMIT = regex(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?")
_SCHEME = regex(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
UNREADABLE = RegistrySource(None)
"""In place of a source that could not be read; the parser raises before it returns."""


def read_source(table: Table, where: str, problems: Problems) -> Source:
    """The source of a package or edge. Each variant has exactly one key of its own."""
    kinds = [kind for kind in _KINDS if kind in table]
    if len(kinds) != 1:
        said = " and ".join(kinds) if kinds else f"none of {', '.join(_KINDS)}"
        problems.add(where, "source", f"must have exactly one kind, has {said}")
        return UNREADABLE
    kind = kinds[0]
    problems.check_keys(table, _KNOWN[kind], "source")
    value = problems.text(table, kind, where)
    if value is None:
        return UNREADABLE
    match kind:
        case "registry":
            return RegistrySource(value) if _SCHEME.match(value) else RegistrySource(None, value)
        case "git":
            return _read_git(value, where, problems)
        case "url":
            problems.url(table, "url", where)
            inner = problems.text(table, "subdirectory", where)
            return UrlSource(value, inner_path(inner, where, "subdirectory", problems))
        case "path":
            return PathSource(value)
        case "directory":
            return DirectorySource(value)
        case "editable":
            return EditableSource(value)
        case _:
            return VirtualSource(value)


def is_git_place(url: str) -> bool:
    """Whether this URL may be passed to git.

    ``ext::…`` would run a program, and a host or user that begins with ``-`` is an option to ssh.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _GIT_SCHEMES and not any(part.startswith("-") for part in parts.netloc.split("@"))


def inner_path(path: str | None, where: str, key: str, problems: Problems) -> str | None:
    """A path inside an archive or repository: relative, and not leading out of it."""
    if path is not None and (path.startswith("/") or "\\" in path or ".." in path.split("/")):
        problems.add(where, key, f"points outside the source: {shorten(path)}")
        return None
    return path


def _read_git(value: str, where: str, problems: Problems) -> Source:
    """``URL?tag=…&subdirectory=…#COMMIT``; the query is uv's, the fragment is the locked commit."""
    try:
        parts = urlsplit(value)
        query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=64)
    except ValueError:
        problems.add(where, "source.git", f"is not a URL: {shorten(value)}")
        return UNREADABLE
    if not COMMIT.fullmatch(parts.fragment):
        problems.add(where, "source.git", f"has no commit after #: {shorten(value)}")
        return UNREADABLE
    if not is_git_place(value):
        problems.add(where, "source.git", f"is not a URL that can be fetched: {shorten(value)}")
        return UNREADABLE
    # uv never writes more than one of tag, branch and rev, and reads the last.
    found = dict(query)
    commit = parts.fragment.lower()
    rev = found.get("rev")
    if rev is not None and COMMIT.fullmatch(rev) and rev.lower() != commit:
        problems.add(where, "source.git", f"requests commit {rev} but locks {commit}")
    return GitSource(
        url=urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")),
        commit=commit,
        tag=found.get("tag"),
        branch=found.get("branch"),
        rev=rev,
        subdirectory=inner_path(found.get("subdirectory"), where, "subdirectory", problems),
        path=inner_path(found.get("path"), where, "path", problems),
        lfs=found.get("lfs", "").lower() == "true",
    )
