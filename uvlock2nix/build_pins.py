"""Locked build requirements: the values, and their JSON in pins (``build.files``, ``packages``, ``sdists``).

A build requirement is a file with its hash. Each package that is built from source has a list of its own,
which depends on no other package, so upgrading one package never changes what builds another.
docs/build-requirements.md describes the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from uvlock2nix.nar import parse_hash
from uvlock2nix.net.urls import plain_url
from uvlock2nix.regex import regex

MEMBERS: Final = frozenset({"files", "packages", "sdists"})
_KEY: Final = regex(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\Z")
_FROM: Final = regex(r"[0-9a-f]{16}\Z")
_BUILD_MEMBERS: Final = {"version", "from", "time", "requires", "files", "asked", "built", "unsure"}

Extra = tuple[tuple[str, str], ...]


class PinnedFile(NamedTuple):
    """A wheel or sdist: exactly one of ``url`` and ``path`` (relative to the project's root) is set.

    ``key`` is its key in ``build.files``; ``hash`` is SRI. ``extra`` has members that this version does not
    know, as JSON text.
    """

    key: str
    name: str
    version: str
    hash: str
    url: str | None = None
    path: str | None = None
    size: int | None = None
    extra: Extra = ()

    @property
    def filename(self) -> str:
        """The file name."""
        place = self.path if self.path is not None else unquote(urlsplit(self.url or "").path)
        return PurePosixPath(place).name

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel; an sdist is built first."""
        return self.filename.endswith(".whl")


class LockedBuild(NamedTuple):
    """The build requirements of a package on a system.

    ``made_from`` is a digest of the inputs of the resolution, ``time`` the time that held it back,
    ``requires`` its requirements. ``files`` are installed before the backend runs, ``asked`` only if the
    backend asks for them; both are keys of files. ``built`` names locked packages that are built from source
    too: the build gets those wheels. ``unsure`` is why the backend may ask for more, which is then held back
    to ``time``.
    """

    name: str
    version: str
    made_from: str
    time: str
    requires: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    built: tuple[str, ...] = ()
    unsure: str = ""
    extra: Extra = ()


Builds = tuple[tuple[str, tuple[LockedBuild, ...]], ...]
"""System → the build requirements of each package, both sorted."""


class BuildPins(NamedTuple):
    """All locked build requirements of a project. ``sdists``: how to build build requirements without a
    wheel, by the key of their file.
    """

    files: tuple[PinnedFile, ...] = ()
    packages: Builds = ()
    sdists: Builds = ()

    def builds(self, system: str) -> Mapping[str, LockedBuild]:
        """Name → the build requirements of that package on ``system``."""
        return {one.name: one for one in dict(self.packages).get(system, ())}

    def nested(self, system: str) -> Mapping[str, LockedBuild]:
        """Key of an sdist → its build requirements on ``system``."""
        return {one.name: one for one in dict(self.sdists).get(system, ())}

    @property
    def by_key(self) -> Mapping[str, PinnedFile]:
        """Key → file."""
        return {one.key: one for one in self.files}

    def reached(self, build: LockedBuild, system: str) -> tuple[PinnedFile, ...]:
        """Every file that a build needs, including those that build its sdists, sorted by key."""
        files, nested = self.by_key, self.nested(system)
        found: dict[str, PinnedFile] = {}
        todo = [*build.files, *build.asked]
        while todo:
            key = todo.pop()
            if key in found or key not in files:
                continue
            found[key] = files[key]
            if key in nested:
                todo += (*nested[key].files, *nested[key].asked)
        return tuple(found[key] for key in sorted(found))

    def facts(self, build: LockedBuild, system: str) -> list[object]:
        """The parts of a build's requirements that decide its result, JSON-like, for digests."""
        asked, files = set(build.asked), self.reached(build, system)
        time = [build.time] if build.unsure else []
        return [[[one.filename, one.hash, one.key in asked] for one in files], list(build.built), time]

    def without_unused(self) -> BuildPins:
        """Remove files, and builds of sdists, that no package's build uses."""
        reached: dict[str, set[str]] = {}
        for system, builds in self.packages:
            reached[system] = {file.key for build in builds for file in self.reached(build, system)}
        kept = set().union(*reached.values()) if reached else set()
        sdists = (
            (system, tuple(one for one in builds if one.name in reached.get(system, ())))
            for system, builds in self.sdists
        )
        return self._replace(
            files=tuple(one for one in self.files if one.key in kept),
            sdists=tuple((system, builds) for system, builds in sdists if builds),
        )


def merge_files(files: Iterable[PinnedFile]) -> tuple[tuple[PinnedFile, ...], Mapping[PinnedFile, str]]:
    """Give each file a key: its name, with a part of the hash before it if different files share the name.

    Returns the files with their keys, sorted and without duplicates, and the key of each given file.
    """
    keyed: dict[str, PinnedFile] = {}
    keys: dict[PinnedFile, str] = {}
    for file in files:
        same = file._replace(key="")
        if same in keys:
            continue
        key = file.filename
        if key in keyed and keyed[key].hash != file.hash:
            key = f"{parse_hash(file.hash, 'sha256').hex[:12]}-{key}"
        keyed.setdefault(key, file._replace(key=key))
        keys[same] = key
    return tuple(keyed[key] for key in sorted(keyed)), keys


def to_json(pins: BuildPins) -> dict[str, object]:
    """The members of ``build`` with build requirements, without empty ones."""
    value: dict[str, object] = {
        "files": {one.key: _file_json(one) for one in pins.files},
        "packages": _builds_json(pins.packages),
        "sdists": _builds_json(pins.sdists),
    }
    return {key: member for key, member in value.items() if member}


def _file_json(file: PinnedFile) -> dict[str, object]:
    return {
        **{key: json.loads(text) for key, text in file.extra},
        "name": file.name,
        "version": file.version,
        "hash": file.hash,
        **({} if file.url is None else {"url": plain_url(file.url)}),
        **({} if file.path is None else {"path": file.path}),
        **({} if file.size is None else {"size": file.size}),
    }


def _builds_json(builds: Builds) -> dict[str, object]:
    return {system: {one.name: _build_json(one) for one in listed} for system, listed in builds if listed}


def _build_json(build: LockedBuild) -> dict[str, object]:
    lists = {"requires": build.requires, "files": build.files, "asked": build.asked, "built": build.built}
    return {
        **{key: json.loads(text) for key, text in build.extra},
        "version": build.version,
        "from": build.made_from,
        "time": build.time,
        **{key: list(items) for key, items in lists.items() if items or key in ("requires", "files")},
        **({"unsure": build.unsure} if build.unsure else {}),
    }


def from_json(raw: Mapping[str, object], where: str, problems: list[str]) -> BuildPins:
    """Read the members of ``build``; problems are added to ``problems``, with their place below ``where``."""
    reader = _Reader(problems)
    files = reader.table(raw.get("files", {}), f"{where}.files")
    known = tuple(reader.file(key, files[key], f"{where}.files.{key}") for key in sorted(files))
    keys = {one.key for one in known}
    packages = reader.builds(raw.get("packages", {}), f"{where}.packages", keys)
    sdists = reader.builds(raw.get("sdists", {}), f"{where}.sdists", keys)
    return BuildPins(known, packages, sdists)


class _Reader(NamedTuple):
    """Reads JSON values and collects their problems."""

    problems: list[str]

    def table(self, value: object, where: str) -> Mapping[str, object]:
        """An object; empty after a problem."""
        if isinstance(value, dict):
            return value
        self.problems.append(f'"{where}" must be an object')
        return {}

    def text(self, raw: Mapping[str, object], key: str, where: str, *, empty: bool = False) -> str:
        """A string member; ``""`` after a problem."""
        value = raw.get(key)
        if isinstance(value, str) and (value or empty):
            return value
        self.problems.append(f'"{where}.{key}" must be a string' + ("" if empty else " that is not empty"))
        return ""

    def texts(self, raw: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
        """A list of strings; empty after a problem."""
        value = raw.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.problems.append(f'"{where}.{key}" must be a list of strings')
        return ()

    def file(self, key: str, value: object, where: str) -> PinnedFile:
        """A member of ``build.files``."""
        raw = self.table(value, where)
        if not _KEY.match(key):
            self.problems.append(f'"{where}" is not a file name')
        digest = self.text(raw, "hash", where)
        try:
            if digest and parse_hash(digest, "sha256").sri != digest:
                raise ValueError
        except ValueError:
            self.problems.append(f'"{where}.hash" is not a SHA-256 in SRI form (sha256-…)')
        url, path, size = raw.get("url"), raw.get("path"), raw.get("size")
        places = [place for place in (url, path) if place is not None]
        if len(places) != 1 or not isinstance(places[0], str) or not places[0]:
            self.problems.append(f'"{where}" must have either "url" or "path"')
            url, path = None, None
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
            self.problems.append(f'"{where}.size" must be a number of bytes')
            size = None
        return PinnedFile(
            key=key,
            name=self.text(raw, "name", where),
            version=self.text(raw, "version", where),
            hash=digest,
            url=url if isinstance(url, str) else None,
            path=path if isinstance(path, str) else None,
            size=size,
            extra=_unknown(raw, {"name", "version", "hash", "url", "path", "size"}),
        )

    def builds(self, value: object, where: str, keys: set[str]) -> Builds:
        """A member ``packages`` or ``sdists``; ``keys`` are those of the files."""
        systems = self.table(value, where)
        found = []
        for system in sorted(systems):
            listed = self.table(systems[system], f"{where}.{system}")
            builds = (self.build(name, listed[name], f"{where}.{system}.{name}", keys) for name in listed)
            found.append((system, tuple(sorted(builds, key=lambda one: one.name))))
        return tuple(found)

    def build(self, name: str, value: object, where: str, keys: set[str]) -> LockedBuild:
        """The build of one package or sdist."""
        raw = self.table(value, where)
        made_from = self.text(raw, "from", where)
        if made_from and not _FROM.match(made_from):
            self.problems.append(f'"{where}.from" is not a digest')
        files, asked = self.texts(raw, "files", where), self.texts(raw, "asked", where)
        if missing := sorted({*files, *asked} - keys):
            self.problems.append(f'"{where}" names files that do not exist: {", ".join(missing)}')
        return LockedBuild(
            name=name,
            version=self.text(raw, "version", where, empty=True),
            made_from=made_from,
            time=self.text(raw, "time", where),
            requires=self.texts(raw, "requires", where),
            files=files,
            asked=asked,
            built=self.texts(raw, "built", where),
            unsure=self.text(raw, "unsure", where) if "unsure" in raw else "",
            extra=_unknown(raw, _BUILD_MEMBERS),
        )


def _unknown(raw: Mapping[str, object], known: set[str]) -> Extra:
    return tuple((key, json.dumps(raw[key], sort_keys=True)) for key in sorted(raw) if key not in known)
