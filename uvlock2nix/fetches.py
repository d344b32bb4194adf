"""Mode `files`: the file or tree of each locked package, as listed under ``packages`` in pins.

``{"<system>": {"<name>": {"kind": "wheel" | "sdist" | "tree", "version": "…", "file": "<its own name>",
"url": "…", "hash": "sha256-…"}}}``; instead of ``url`` and ``hash`` there may be ``path`` (relative to the
project's root), or ``git`` and ``rev``. ``store`` is the name in the store if the file's own name is not
valid there; ``subdirectory`` is the package's folder in a tree. ``nix/lib/importUvLock.nix`` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Literal, get_args
from urllib.parse import unquote, urlsplit, urlunsplit

from uvlock2nix.artifacts import Artifact
from uvlock2nix.errors import InputError
from uvlock2nix.lock import GitSource, Package, PathSource, UrlSource
from uvlock2nix.nar import Hash, parse_hash
from uvlock2nix.regex import regex

Kind = Literal["wheel", "sdist", "tree"]
_STORE_NAME: Final = regex(r"[0-9a-zA-Z+_-][0-9a-zA-Z+._-]{0,200}\Z")
_REV: Final = regex(r"[0-9a-f]{40}\Z")
# Query keys of forges and archives that select a file or its format.
_CONTENT: Final = frozenset({
    "archive", "branch", "commit", "dl", "download", "file", "format", "inline", "path", "raw", "ref",
    "ref_type", "rev", "sha", "tag", "version", "viasf",
})  # fmt: skip
# Host with its port; the prefix of an index's variables.
_HOST: Final = regex(r"[a-z0-9._:\[\]-]{1,260}\Z")
_VARIABLES: Final = regex(r"UV_INDEX_[A-Z0-9_]{1,200}\Z")
_TEXTS: Final = ("file", "url", "hash", "path", "git", "rev", "subdirectory", "store")


@dataclass(frozen=True, slots=True)
class Fetch:
    """A package's file or tree; ``""`` if a member does not apply. ``hash`` is SRI.

    ``locked_url`` is the URL in the lock, which is never written to a file.
    """

    name: str
    version: str
    kind: Kind
    file: str = ""
    url: str = ""
    hash: str = ""
    path: str = ""
    git: str = ""
    rev: str = ""
    subdirectory: str = ""
    store: str = ""
    lfs: bool = False
    locked_url: str = field(default="", compare=False, repr=False)

    @property
    def loses_query(self) -> bool:
        """Whether the URL had a query that is left out."""
        return urlsplit(self.locked_url).query != urlsplit(self.url).query


Fetches = tuple[tuple[str, tuple[Fetch, ...]], ...]
"""System → its packages, both sorted."""


def fetch_of(package: Package, artifact: Artifact) -> Fetch:
    """The fetch of a package's artifact.

    Raises:
        InputError: it cannot be fetched.
    """
    version = package.version or "0"
    source = package.source
    if isinstance(source, GitSource):
        return Fetch(
            package.name,
            version,
            "tree",
            git=written_url(source.url),
            rev=source.commit,
            subdirectory=source.subdirectory or "",
            lfs=source.lfs,
        )
    subdirectory = source.subdirectory or "" if isinstance(source, UrlSource) else ""
    kind: Kind = "wheel" if artifact.kind == "wheel" else "sdist"
    url = artifact.url or (source.url if isinstance(source, UrlSource) else None)
    path = artifact.path or (source.path if isinstance(source, PathSource) else None)
    file = artifact.filename or PurePosixPath(path or unquote(urlsplit(url or "").path)).name
    if path is not None:
        held = _sri(artifact.hash)
        return Fetch(package.name, version, kind, file=file, path=path, hash=held, subdirectory=subdirectory)
    if not url or not file:
        raise InputError(f"{package}: no file to fetch", hint="run `uv lock` again")
    return Fetch(
        package.name,
        version,
        kind,
        file=file,
        url=written_url(url),
        locked_url=url,
        hash=_sri(artifact.hash),
        subdirectory=subdirectory,
        store="" if _STORE_NAME.match(file) else re.sub(r"[^0-9a-zA-Z+._-]", "-", file).lstrip(".")[-200:],
    )


def written_url(url: str) -> str:
    """The URL without credentials, which belong to the machine, and without a signature, fit to be written
    down.

    Of a query, only parts that are known to select the content are kept.

    >>> written_url("https://joe:secret@host/a.zip?ref=main&sig=secret#sha256=0")
    'https://host/a.zip?ref=main'
    """
    parts = urlsplit(url)
    query = "&".join(one for one in parts.query.split("&") if one.partition("=")[0].lower() in _CONTENT)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment=""))


def _sri(text: str | None) -> str:
    """SRI of the lock's ``algorithm:hex``; ``""`` if there is none or Nix does not support the algorithm."""
    algorithm, _, digest = (text or "").partition(":")
    if algorithm not in ("sha256", "sha512"):
        return ""
    return Hash(algorithm, bytes.fromhex(digest)).sri


def to_json(fetches: Fetches) -> dict[str, object]:
    """The member ``packages`` of pins."""
    return {system: {one.name: _json(one) for one in listed} for system, listed in fetches}


def _json(one: Fetch) -> dict[str, object]:
    texts = {key: value for key in _TEXTS if (value := getattr(one, key))}
    return {"kind": one.kind, "version": one.version, **texts, **({"lfs": True} if one.lfs else {})}


def from_json(raw: object, where: str, problems: list[str]) -> Fetches:
    """Read the member ``packages``; problems are added to ``problems``."""
    systems = raw if isinstance(raw, dict) else {}
    if systems is not raw:
        problems.append(f'"{where}" must be an object')
    found = []
    for system in sorted(systems):
        listed = systems[system]
        if not isinstance(listed, dict):
            problems.append(f'"{where}.{system}" must be an object')
            continue
        read = (_read(name, listed[name], f"{where}.{system}.{name}", problems) for name in sorted(listed))
        found.append((system, tuple(one for one in read if one is not None)))
    return tuple(found)


def _read(name: str, raw: object, where: str, problems: list[str]) -> Fetch | None:
    if not isinstance(raw, dict):
        problems.append(f'"{where}" must be an object')
        return None
    texts = {key: raw.get(key, "") for key in (*_TEXTS, "version")}
    wrong = [key for key, value in texts.items() if not isinstance(value, str)]
    problems += [f'"{where}.{key}" must be a string' for key in wrong]
    kind: Kind | None = next((one for one in get_args(Kind) if one == raw.get("kind")), None)
    lfs = raw.get("lfs", False)
    places = [key for key in ("url", "path", "git") if texts[key]]
    if kind is None or len(places) != 1 or not isinstance(lfs, bool) or wrong:
        problems.append(f'"{where}" must have a known "kind" and one of "url", "path" and "git"')
        return None
    if texts["git"] and not _REV.match(str(texts["rev"])):
        problems.append(f'"{where}.rev" is not a commit')
    try:
        if texts["hash"] and parse_hash(str(texts["hash"])).sri != texts["hash"]:
            raise ValueError
    except ValueError:
        problems.append(f'"{where}.hash" is not in SRI form (sha256-…)')
    return Fetch(name=name, kind=kind, lfs=lfs, **{key: str(value) for key, value in texts.items()})


def without_hash(fetches: Fetches) -> tuple[Fetch, ...]:
    """The files without a hash in the lock, without duplicates."""
    return tuple(dict.fromkeys(one for _, listed in fetches for one in listed if one.url and not one.hash))


def known_hashes(fetches: Fetches) -> Mapping[str, str]:
    """URL → pinned hash."""
    return {one.url: one.hash for _, listed in fetches for one in listed if one.url and one.hash}


def sorted_fetches(found: Mapping[str, Iterable[Fetch]]) -> Fetches:
    """System → packages, sorted."""
    return tuple((system, tuple(sorted(found[system], key=lambda one: one.name))) for system in sorted(found))


def logins_from_json(raw: object, where: str, problems: list[str]) -> tuple[tuple[str, str], ...]:
    """Read the member ``logins``: host → the prefix of its variables, or ``""``."""
    if not isinstance(raw, dict):
        problems.append(f'"{where}" must be an object')
        return ()
    for host, name in raw.items():
        if not _HOST.match(host) or not isinstance(name, str) or not (name == "" or _VARIABLES.match(name)):
            problems.append(f'"{where}.{host}" must be the prefix of variables (UV_INDEX_…), or ""')
    return tuple((host, str(raw[host])) for host in sorted(raw))
