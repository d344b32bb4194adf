"""The values that a lock is parsed into, deeply frozen. No later code sees TOML.

The format is defined by uv's own parser; see
https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile and
https://docs.astral.sh/uv/concepts/resolution/#lockfile-versioning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Final, Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """From an index: exactly one of ``url`` (simple index) and ``path`` (local folder) is set."""

    kind: ClassVar[Literal["registry"]] = "registry"
    url: str | None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class GitSource:
    """From a git repository at ``commit``; ``path`` names an archive inside it, if uv locked one."""

    kind: ClassVar[Literal["git"]] = "git"
    url: str
    commit: str
    tag: str | None = None
    branch: str | None = None
    rev: str | None = None
    subdirectory: str | None = None
    path: str | None = None
    lfs: bool = False


@dataclass(frozen=True, slots=True)
class UrlSource:
    """An archive or wheel at a URL."""

    kind: ClassVar[Literal["url"]] = "url"
    url: str
    subdirectory: str | None = None


@dataclass(frozen=True, slots=True)
class PathSource:
    """An archive or wheel on disk, relative to the lock (or absolute)."""

    kind: ClassVar[Literal["path"]] = "path"
    path: str


@dataclass(frozen=True, slots=True)
class DirectorySource:
    """A source tree on disk that is built and installed as a copy."""

    kind: ClassVar[Literal["directory"]] = "directory"
    path: str


@dataclass(frozen=True, slots=True)
class EditableSource:
    """A source tree on disk that uv installs in editable form."""

    kind: ClassVar[Literal["editable"]] = "editable"
    path: str


@dataclass(frozen=True, slots=True)
class VirtualSource:
    """A project that has dependencies but is never built or installed itself."""

    kind: ClassVar[Literal["virtual"]] = "virtual"
    path: str


Source = (
    RegistrySource | GitSource | UrlSource | PathSource | DirectorySource | EditableSource | VirtualSource
)
# A tuple: `isinstance` with a union creates it at each call.
_TREES: Final = (DirectorySource, EditableSource, VirtualSource)


class LockedFile(NamedTuple):
    """A wheel or sdist in the lock.

    ``filename`` is always a plain name without ``/``; ``""`` only for an sdist whose location is the
    package's source. At most one of ``url`` and ``path`` is set. ``hash`` is ``algorithm:hex``;
    ``size`` in bytes; ``upload_time`` RFC 3339.
    """

    filename: str
    url: str | None
    path: str | None
    hash: str | None
    size: int | None
    upload_time: str | None


class Dependency(NamedTuple):
    """An edge: ``package`` is the index into ``Lock.packages``; ``marker`` is ``""`` if it always holds.

    ``extras`` are those that the locked package has.
    """

    package: int
    extras: tuple[str, ...] = ()
    marker: str = ""


class Requirement(NamedTuple):
    """A requirement of pyproject.toml as recorded in the lock.

    ``source`` has the other keys (``git``, ``url``, ``editable``, ``index`` …) as sorted pairs of text.
    ``of``: the package whose dependencies an override changes, ``""`` for all packages.
    """

    name: str
    extras: tuple[str, ...] = ()
    specifier: str = ""
    marker: str = ""
    source: tuple[tuple[str, str], ...] = ()
    of: str = ""


class ConflictItem(NamedTuple):
    """An item of a set of conflicts, of which only one may be active: an extra, a group, or the project."""

    package: str
    extra: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        if self.extra is not None:
            return f"{self.package}[{self.extra}]"
        if self.group is not None:
            return f"{self.package}:{self.group}"
        return self.package


class PackageMetadata(NamedTuple):
    """The requirements that a local package had when it was locked; ``present`` if the lock records them."""

    present: bool = False
    requires_dist: tuple[Requirement, ...] = ()
    provides_extras: tuple[str, ...] = ()
    requires_dev: tuple[tuple[str, tuple[Requirement, ...]], ...] = ()


NO_METADATA: Final = PackageMetadata()


@dataclass(frozen=True, slots=True)
class Package:
    """A locked package. ``version`` is None only for a local source tree with a dynamic version.

    ``marker`` is used by pylock.toml only, which has conditions on packages instead of on edges.
    From revision 5 on, ``default_groups`` are the ``tool.uv.default-groups`` of a project, ``group_pythons``
    what its dependency groups ask of the Python.
    """

    index: int
    name: str
    version: str | None
    source: Source
    sdist: LockedFile | None = None
    wheels: tuple[LockedFile, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    optional_dependencies: Mapping[str, tuple[Dependency, ...]] = field(default_factory=dict, hash=False)
    dependency_groups: Mapping[str, tuple[Dependency, ...]] = field(default_factory=dict, hash=False)
    resolution_markers: tuple[str, ...] = ()
    metadata: PackageMetadata = NO_METADATA
    marker: str = ""
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    group_pythons: tuple[tuple[str, str], ...] = ()

    @property
    def is_local_tree(self) -> bool:
        """Whether the package is a source tree on disk: directory, editable or virtual."""
        return isinstance(self.source, _TREES)

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}=={self.version}"


class Manifest(NamedTuple):
    """What the lock was made from, besides the packages' own requirements."""

    members: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    overrides: tuple[Requirement, ...] = ()
    excludes: tuple[str, ...] = ()
    build_constraints: tuple[Requirement, ...] = ()
    dependency_groups: tuple[tuple[str, tuple[Requirement, ...]], ...] = ()
    dependency_metadata: tuple[tuple[str, str | None], ...] = ()
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    group_pythons: tuple[tuple[str, str], ...] = ()


class Options(NamedTuple):
    """The resolver's settings that the lock was made with; a mode is None if it is uv's default.

    ``exclude_newer``: RFC 3339, or None if a span (``P3W``) replaces it. Per package: a time, a span, or None
    if the limit is switched off.
    """

    resolution_mode: str | None = None
    prerelease_mode: str | None = None
    fork_strategy: str | None = None
    exclude_newer: str | None = None
    exclude_newer_span: str | None = None
    exclude_newer_package: tuple[tuple[str, str | None], ...] = ()


NO_MANIFEST: Final = Manifest()
NO_OPTIONS: Final = Options()


@dataclass(frozen=True)
class Lock:
    """A whole lock. ``flavour`` is the format that it was read from.

    With ``pylock``, the packages have markers and there are no edges; ``extras``, ``groups`` and
    ``default_groups`` are those that the file declares.
    """

    flavour: Literal["uv", "script", "pylock"]
    version: str
    revision: int
    requires_python: str
    packages: tuple[Package, ...]
    resolution_markers: tuple[str, ...] = ()
    supported_markers: tuple[str, ...] = ()
    required_markers: tuple[str, ...] = ()
    conflicts: tuple[tuple[ConflictItem, ...], ...] = ()
    manifest: Manifest = NO_MANIFEST
    options: Options = NO_OPTIONS
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    default_groups: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Package, ...]]:
        """Name → its packages, in the lock's order; several if the lock has several versions."""
        found: dict[str, list[Package]] = {}
        for package in self.packages:
            found.setdefault(package.name, []).append(package)
        return {name: tuple(packages) for name, packages in found.items()}

    @property
    def root(self) -> Package | None:
        """The package of the lock's own folder; None if that is not a project."""
        for package in self.packages:
            if isinstance(package.source, EditableSource | VirtualSource) and package.source.path == ".":
                return package
        return None
