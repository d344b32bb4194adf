"""uv.lock (and a script's lock) → ``Lock``. The only parser, which reports all problems together."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from packaging.version import InvalidVersion, Version

from uvlock2nix.errors import LockError
from uvlock2nix.lock.files import check_wheels, read_sdist, read_wheels
from uvlock2nix.lock.markers import MarkerError, parse_marker
from uvlock2nix.lock.marks import Marks
from uvlock2nix.lock.model import (
    ConflictItem,
    Dependency,
    Lock,
    LockedFile,
    Package,
    RegistrySource,
    Source,
)
from uvlock2nix.lock.sources import UNREADABLE, read_source
from uvlock2nix.lock.uv_manifest import (
    GROUP_PYTHONS,
    read_group_pythons,
    read_manifest,
    read_metadata,
    read_options,
)
from uvlock2nix.lock.uv_settings import read_default_groups
from uvlock2nix.lock.version import SUPPORTED_VERSION, check_version
from uvlock2nix.lock.wire import Problems, Table, is_specifier, shorten

KNOWN_REVISION = 5
MAX_PACKAGES = 250_000

_TOP_KEYS = frozenset(
    [
        "version",
        "revision",
        "requires-python",
        "resolution-markers",
        "supported-markers",
        "required-markers",
        "conflicts",
        "options",
        "manifest",
        "package",
        "distribution",
    ]
)
_PACKAGE_KEYS = frozenset(
    [
        "name",
        "version",
        "source",
        "metadata",
        "sdist",
        "wheels",
        "resolution-markers",
        "dependencies",
        "optional-dependencies",
        "dev-dependencies",
        "dependency-groups",
        "default-groups",
        GROUP_PYTHONS,
    ]
)
_DEPENDENCY_KEYS = frozenset(("name", "version", "source", "extra", "marker"))
_CONFLICT_KEYS = frozenset(("package", "extra", "group"))
_HINT = "run `uv lock` to write the lock again; if uv itself accepts this lock, please report a bug"

_Id = tuple[str, str | None, Source]


def parse_lock(table: Table, file: str, flavour: Literal["uv", "script"] = "uv") -> Lock:
    """Parse the lock in ``table``; ``file`` is used in messages.

    Raises LockError: a newer ``version`` (both numbers are named), or all problems found, each
    with its package and key.
    """
    revision = check_version(table, file)
    return LockReader(table, file, flavour, revision).read()


class LockReader:
    """Parses a lock once; ``marks``: the parts of it that were already read."""

    def __init__(
        self,
        table: Table,
        file: str,
        flavour: Literal["uv", "script"],
        revision: int,
        marks: Marks | None = None,
    ) -> None:
        self.table = table
        self.file = file
        self.flavour = flavour
        self.revision = revision
        self.problems = Problems(file)
        self.ids: list[_Id] = []
        self.index: dict[_Id, int] = {}
        self.names: dict[str, list[int]] = {}
        self.extras: list[frozenset[str]] = []
        self.versions: dict[str, str] = {}
        self.markers: set[str] = set()
        self.known_edges: dict[int, Dependency] = {}
        self.marks = marks or Marks()

    def read(self) -> Lock:
        """Read the whole table, collecting problems on the way."""
        table, problems = self.table, self.problems
        problems.check_keys(table, _TOP_KEYS, "")
        requires_python = self._requires_python()
        key = "package" if "package" in table else "distribution"
        tables = [self.marks.package(entry) for entry in problems.tables(table, key, "lock")]
        if len(tables) > MAX_PACKAGES:
            raise LockError(
                f"{self.file}: {len(tables)} packages are more than uvlock2nix supports", hint=_HINT
            )
        for number, entry in enumerate(tables):
            self._identify(number, entry)
        packages = tuple(self._package(number, entry) for number, entry in enumerate(tables))
        lock = Lock(
            flavour=self.flavour,
            version=str(SUPPORTED_VERSION),
            revision=self.revision,
            requires_python=requires_python,
            packages=packages,
            resolution_markers=self._markers(table, "resolution-markers", "lock"),
            supported_markers=self._markers(table, "supported-markers", "lock"),
            required_markers=self._markers(table, "required-markers", "lock"),
            conflicts=self._conflicts(),
            manifest=read_manifest(problems.table(table, "manifest", "lock"), problems),
            options=read_options(problems.table(table, "options", "lock"), problems),
            warnings=(),
        )
        problems.raise_if_any(LockError, _HINT)
        return _with_warnings(lock, self._warnings())

    def _warnings(self) -> tuple[str, ...]:
        found = []
        if self.revision > KNOWN_REVISION:
            found.append(
                f"{self.file}: revision {self.revision} of the lock format is newer than {KNOWN_REVISION},"
                " the newest known revision; reading it anyway"
            )
        if (unknown := self.problems.unknown_warning()) is not None:
            found.append(unknown)
        # A single warning is enough: unknown keys are expected in a newer revision.
        return ("; ".join(found),) if found else ()

    def _requires_python(self) -> str:
        text = self.problems.text(self.table, "requires-python", "lock", required=True) or ""
        if text and not is_specifier(text):
            self.problems.add("lock", "requires-python", f"is not a version specifier: {shorten(text)}")
        return text

    def _identify(self, number: int, entry: Table) -> None:
        """First pass: collect the packages, so that the second can resolve edges."""
        problems = self.problems
        name = problems.name(entry.get("name"), f"package #{number + 1}", "name")
        where = self._where(name, entry)
        version = self._version(entry, where)
        source = self._source(entry, where)
        if isinstance(source, RegistrySource) and version is None and source is not UNREADABLE:
            problems.add(where, "version", "is missing")
        key = (name, version, source)
        if name and source is not UNREADABLE and key in self.index:
            problems.add(where, "", "occurs twice")
        self.ids.append(key)
        self.index[key] = number
        self.names.setdefault(name, []).append(number)
        self.extras.append(
            frozenset(
                problems.name(extra, where, "optional-dependencies")
                for extra in problems.table(entry, "optional-dependencies", where)
            )
        )

    @staticmethod
    def _where(name: str, entry: Table) -> str:
        version = entry.get("version")
        shown = f" {shorten(version, 40)}" if isinstance(version, str) else ""
        return f"package {name or shorten(repr(entry.get('name')), 40)}{shown}"

    def _version(self, entry: Table, where: str) -> str | None:
        text = entry.get("version")
        if text is None:
            return None
        known = self.versions.get(text) if isinstance(text, str) else None
        if known is not None:
            return known
        text = self.problems.text(entry, "version", where)
        if text is None:
            return None
        try:
            if len(text) > 256:
                raise InvalidVersion(text)
            self.versions[text] = str(Version(text))
        except InvalidVersion:
            self.problems.add(where, "version", f"is not a version: {shorten(text)}")
            self.versions[text] = text
        return self.versions[text]

    def _source(self, entry: Table, where: str) -> Source:
        table = entry.get("source")
        if isinstance(table, dict):
            return read_source(table, where, self.problems)
        self.problems.add(where, "source", "is missing" if table is None else "is not a table")
        return UNREADABLE

    def _package(self, number: int, entry: Table) -> Package:
        problems = self.problems
        name, version, source = self.ids[number]
        where = self._where(name, entry)
        problems.check_keys(entry, _PACKAGE_KEYS, "package")
        groups_key = "dev-dependencies" if "dev-dependencies" in entry else "dependency-groups"
        return Package(
            index=number,
            name=name,
            version=version,
            source=source,
            sdist=self._sdist(entry, where) if "sdist" in entry else None,
            wheels=self._wheels(entry, version, where) if "wheels" in entry else (),
            dependencies=self._edges(entry, "dependencies", where) if "dependencies" in entry else (),
            optional_dependencies=self._edge_table(entry, "optional-dependencies", where),
            dependency_groups=self._edge_table(entry, groups_key, where),
            resolution_markers=self._markers(entry, "resolution-markers", where),
            metadata=read_metadata(entry, where, problems),
            default_groups=read_default_groups(entry, problems),
            group_pythons=read_group_pythons(entry, where, problems) if GROUP_PYTHONS in entry else (),
        )

    def _wheels(self, entry: Table, version: str | None, where: str) -> tuple[LockedFile, ...]:
        read = self.marks.files_of(entry["wheels"])
        if read is not None:
            return check_wheels(read, version, where, self.problems)
        return read_wheels(entry["wheels"], version, where, self.problems)

    def _sdist(self, entry: Table, where: str) -> LockedFile | None:
        read = self.marks.files_of(entry["sdist"])
        return read[0] if read is not None else read_sdist(entry["sdist"], where, self.problems)

    def _edge_table(self, entry: Table, key: str, where: str) -> dict[str, tuple[Dependency, ...]]:
        if key not in entry:
            return {}
        table = self.problems.table(entry, key, where)
        return {
            self.problems.name(name, where, key): self._edges(table, name, f"{where}: {key}")
            for name in table
        }

    def _edges(self, table: Table, key: str, where: str) -> tuple[Dependency, ...]:
        place = f"{where}: {key}"
        return tuple(
            edge
            for entry in self.problems.tables(table, key, where)
            if (edge := self._edge(entry, place)) is not None
        )

    def _edge(self, entry: Table, where: str) -> Dependency | None:
        # In the parts that were already read, equal edges share a table.
        known = self.known_edges.get(id(entry))
        if known is not None:
            return known
        problems = self.problems
        problems.check_keys(entry, _DEPENDENCY_KEYS, "dependencies")
        name = problems.name(entry.get("name"), where, "name")
        number = self._find(name, entry, f"{where}: {name}") if name else None
        if number is None:
            return None
        extras: tuple[str, ...] = ()
        if "extra" in entry:
            there = self.extras[number]
            extras = tuple(e for e in problems.names(entry, "extra", f"{where}: {name}") if e in there)
        marker = entry.get("marker", "")
        if not isinstance(marker, str) or (marker and marker not in self.markers):
            marker = self._marker(marker, f"{where}: {name}", "marker")
        found = self.known_edges[id(entry)] = Dependency(number, extras, marker)
        return found

    def _find(self, name: str, entry: Table, where: str) -> int | None:
        """The package of an edge, which may leave out version and source if they are unambiguous."""
        candidates = self.names.get(name, ())
        if not candidates:
            self.problems.add(where, "", "has no entry in the lock")
            return None
        only = self.ids[candidates[0]] if len(candidates) == 1 else None
        if only is not None and "version" not in entry and "source" not in entry:
            return candidates[0]
        version = self._version(entry, where)
        if "source" in entry:
            source = self._source(entry, where)
        elif only is not None:
            source = only[2]
        else:
            self.problems.add(where, "source", "is missing, and the lock has several packages of that name")
            return None
        if version is None and only is not None:
            version = only[1]
        number = self.index.get((name, version, source))
        if number is None and source is not UNREADABLE:
            shown = f"{name} {version}" if version else name
            self.problems.add(where, "", f"the lock has no entry {shown} from that source")
        return number

    def _marker(self, text: object, where: str, key: str) -> str:
        if not isinstance(text, str):
            self.problems.add(where, key, f"is not a string but {shorten(repr(text), 40)}")
            return ""
        if text and text not in self.markers:
            try:
                parse_marker(text)
            except MarkerError as error:
                self.problems.add(where, key, f"{error}: {shorten(text)}")
                return ""
            self.markers.add(text)
        return text

    def _markers(self, table: Table, key: str, where: str) -> tuple[str, ...]:
        if key not in table:
            return ()
        return tuple(self._marker(text, where, key) for text in self.problems.texts(table, key, where))

    def _conflicts(self) -> tuple[tuple[ConflictItem, ...], ...]:
        problems, found = self.problems, []
        for entries in problems.items(self.table, "conflicts", "lock"):
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                problems.add("lock", "conflicts", "contains something that is not an array of tables")
                continue
            items = []
            for entry in entries:
                problems.check_keys(entry, _CONFLICT_KEYS, "conflicts")
                where = "lock: conflicts"
                extra = problems.name(entry["extra"], where, "extra") if "extra" in entry else None
                group = problems.name(entry["group"], where, "group") if "group" in entry else None
                if extra is not None and group is not None:
                    problems.add(where, "", "an item has both extra and group")
                items.append(
                    ConflictItem(problems.name(entry.get("package"), where, "package"), extra, group)
                )
            found.append(tuple(items))
        return tuple(found)


def _with_warnings(lock: Lock, warnings: tuple[str, ...]) -> Lock:
    return replace(lock, warnings=warnings) if warnings else lock
