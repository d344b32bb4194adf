"""The requirements of pyproject.toml as uv writes them into a lock: sources applied, own extras expanded.

https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from uvlock2nix.lock.marker_functions import FALSE, TRUE, MarkerFunctions
from uvlock2nix.lock.model import Requirement as LockedRequirement
from uvlock2nix.names import canonicalize_name

Parts = tuple[tuple[str, str], ...]
Key = tuple[str, tuple[str, ...], Parts, tuple[str, ...], int]
"""Name, extras, specifiers, source, and the number of the marker."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requirement of a pyproject.toml.

    ``markers`` are combined with "and"; ``extras_of``: the project's extras under which it is listed.
    """

    name: str
    extras: tuple[str, ...]
    specifier: str
    markers: tuple[str, ...]
    extras_of: tuple[str, ...] = ()
    group: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a pyproject.toml takes its requirements from.

    ``tables``: name → the entries under ``tool.uv.sources`` with the folder that their paths are relative to;
    ``members``: project of the workspace → its folder; ``indexes``: name of an index → its URL.
    """

    root: Path
    folder: Path
    tables: Mapping[str, tuple[Path, Sequence[Mapping[str, Any]]]]
    members: Mapping[str, Path]
    indexes: Mapping[str, str]

    def of(self, wanted: Wanted) -> tuple[Path, tuple[Mapping[str, Any], ...]]:
        """The entries that apply to a requirement, and the folder of their paths."""
        folder, entries = self.tables.get(wanted.name, (self.folder, ()))
        found = []
        for entry in entries:
            extra, group = entry.get("extra"), entry.get("group")
            if extra is not None and canonicalize_name(str(extra)) not in wanted.extras_of[-1:]:
                continue
            if group is None or canonicalize_name(str(group)) == wanted.group:
                found.append(entry)
        return folder, tuple(found)


def read_requirements(
    texts: Iterable[str], *, extra: str | None = None, group: str | None = None
) -> Iterator[Wanted]:
    """Parse ``texts`` into requirements; a requirement that cannot be parsed is left to uv."""
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        yield Wanted(
            name=canonicalize_name(requirement.name),
            extras=tuple(sorted(map(canonicalize_name, requirement.extras))),
            specifier=str(requirement.specifier),
            markers=() if requirement.marker is None else (str(requirement.marker),),
            extras_of=() if extra is None else (canonicalize_name(extra),),
            group=None if group is None else canonicalize_name(group),
            url=requirement.url,
        )


def without_own_extras(name: str, listed: Sequence[Wanted]) -> Iterator[Wanted]:
    """``listed`` with ``name[extra]`` replaced by the requirements under that extra."""
    queue, seen = list(listed), set[Wanted]()
    while queue:
        wanted = queue.pop()
        if wanted.name != name or not wanted.extras:
            yield wanted
            continue
        if wanted in seen:
            continue
        seen.add(wanted)
        for other in listed:
            if other.extras_of and other.extras_of[0] in wanted.extras:
                markers = tuple(dict.fromkeys((*wanted.markers, *other.markers)))
                queue.append(replace(other, markers=markers, extras_of=wanted.extras_of))


def marker_texts(wanted: Iterable[Wanted], sources: Sources) -> Iterator[str]:
    """Every marker that :func:`declared_keys` will need."""
    for one in wanted:
        yield from one.markers
        yield from (str(entry["marker"]) for entry in sources.of(one)[1] if entry.get("marker"))


def declared_keys(wanted: Iterable[Wanted], sources: Sources, functions: MarkerFunctions) -> set[Key]:
    """The requirements as keys for the comparison with a lock."""
    found: set[Key] = set()
    for one in wanted:
        number = TRUE
        for marker in one.markers:
            number = functions.both(number, functions.of(marker))
        for extra in one.extras_of:
            number = functions.with_extra(number, extra)
        folder, entries = sources.of(one)
        rest = number
        for entry in entries:
            where = functions.of(str(entry.get("marker") or ""))
            rest = functions.both(rest, functions.negated(where))
            source = _declared_source(one.name, entry, folder, sources)
            specifier = specifier_key(one.specifier) if source[0] == "index" else ()
            _add(found, one, specifier, source, functions.both(number, where))
        if one.url is not None and not entries:
            _add(found, one, (), _direct(one.url), number)
        else:
            _add(found, one, specifier_key(one.specifier), (), rest)
    return found


def _add(found: set[Key], one: Wanted, specifier: Parts, source: tuple[str, ...], number: int) -> None:
    if number != FALSE:
        found.add((one.name, one.extras, specifier, source, number))


def locked_keys(locked: Iterable[LockedRequirement], root: Path, functions: MarkerFunctions) -> set[Key]:
    """The requirements in a lock, as keys for the comparison."""
    found: set[Key] = set()
    for one in locked:
        source = _locked_source(dict(one.source), root)
        specifier = () if source[:1] and source[0] != "index" else specifier_key(one.specifier)
        number = functions.of(one.marker)
        if number != FALSE:
            found.add((one.name, tuple(sorted(one.extras)), specifier, source, number))
    return found


def specifier_key(text: str) -> Parts:
    """A specifier set as a value: ``>=03.04`` equals ``>=3.4``, in any order."""
    try:
        return tuple(sorted({_one_specifier(one) for one in SpecifierSet(text)}))
    except ValueError:
        return (("", text),)


def _one_specifier(one: Specifier) -> tuple[str, str]:
    version, star = one.version.removesuffix(".*"), one.version.endswith(".*")
    if one.operator == "===":
        return one.operator, version
    try:
        parsed = Version(version)
    except InvalidVersion:
        return one.operator, version
    # Keep trailing zeros where they matter; elsewhere, 3.0 is 3.
    if star or one.operator == "~=":
        return one.operator, str(parsed) + (".*" if star else "")
    return one.operator, _plain(parsed)


def _plain(version: Version) -> str:
    release = list(version.release)
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    text, whole = str(version), ".".join(map(str, version.release))
    return text.replace(whole, ".".join(map(str, release)), 1)


def _declared_source(name: str, entry: Mapping[str, Any], folder: Path, sources: Sources) -> tuple[str, ...]:
    if entry.get("workspace"):
        return "path", _absolute(sources.root, str(sources.members.get(name, name)))
    if "path" in entry:
        return "path", _absolute(folder, str(entry["path"]))
    if "git" in entry:
        references = [(kind, str(entry[kind])) for kind in ("rev", "tag", "branch") if entry.get(kind)]
        return _git(str(entry["git"]), references, str(entry.get("subdirectory") or ""))
    if "url" in entry:
        return _direct(str(entry["url"]), str(entry.get("subdirectory") or ""))
    index = str(entry.get("index"))
    return "index", _place(sources.indexes.get(index, index), sources.root)


def _locked_source(source: Mapping[str, str], root: Path) -> tuple[str, ...]:
    for kind in ("editable", "directory", "virtual", "path"):
        if kind in source:
            return "path", _absolute(root, source[kind])
    if "git" in source:
        query = {key: values[0] for key, values in parse_qs(urlsplit(source["git"]).query).items()}
        references = [(kind, query[kind]) for kind in ("rev", "tag", "branch") if kind in query]
        return _git(source["git"], references, query.get("subdirectory", ""))
    if "url" in source:
        return _direct(source["url"], source.get("subdirectory", ""))
    return ("index", _place(source["index"], root)) if "index" in source else ()


def _direct(url: str, subdirectory: str = "") -> tuple[str, ...]:
    fragment = parse_qs(urlsplit(url).fragment)
    subdirectory = subdirectory or fragment.get("subdirectory", [""])[0]
    if url.startswith("git+"):
        base, at, reference = url.partition("#")[0].removeprefix("git+").rpartition("@")
        # An `@` before the host belongs to credentials.
        if not at or "/" not in base.partition("://")[2]:
            base, reference = url.partition("#")[0].removeprefix("git+"), ""
        return _git(base, [("rev", reference)] if reference else [], subdirectory)
    if url.startswith("file:"):
        return "path", os.path.normpath(unquote(urlsplit(url).path))
    return "url", _bare(url), subdirectory.strip("/")


def _git(url: str, references: Sequence[tuple[str, str]], subdirectory: str) -> tuple[str, ...]:
    return (
        "git",
        _bare(url.removeprefix("git+")),
        *(part for pair in references for part in pair),
        subdirectory,
    )


def _bare(url: str) -> str:
    """A URL without credentials, query and fragment, as in a lock."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def _place(url: str, root: Path) -> str:
    if url.startswith("file:"):
        return os.path.normpath(unquote(urlsplit(url).path))  # how a lock has a folder
    return _bare(url) if "://" in url else _absolute(root, url)


def _absolute(folder: Path, path: str) -> str:
    return os.path.normpath(folder / path)
