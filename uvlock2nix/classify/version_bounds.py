"""Which other versions of a package fit an environment, by its dependents and uv's settings.

The lock has one version of each package. Whether nixpkgs' version may replace it is up to those that need it:
projects and scripts (the lock repeats their requirements), packages (their metadata), and the user, whose
constraints narrow every range and whose overrides replace it. See
https://docs.astral.sh/uv/reference/settings/#constraint-dependencies and
https://docs.astral.sh/uv/reference/settings/#override-dependencies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from uvlock2nix.lock import Environment, EnvPackage, Package, Project
from uvlock2nix.lock.marker_diagrams import Conditions
from uvlock2nix.lock.markers import MarkerError
from uvlock2nix.lock.model import Requirement
from uvlock2nix.target import Target

SELECTION: Final = "the selection"
CONSTRAINT: Final = "constraint-dependencies of [tool.uv]"
OVERRIDE: Final = "override-dependencies of [tool.uv]"


class Ranges(NamedTuple):
    """Ranges (PEP 440 specifiers, ``""`` for any version) by the name of the package that they apply to.

    ``asked``: dependent → its range, ``None`` if unknown. ``bounds``: (origin, range) pairs that always
    apply.
    """

    asked: Mapping[str, Mapping[str, str | None]]
    bounds: Mapping[str, tuple[tuple[str, str], ...]]


def ranges_of(
    project: Project,
    environment: Environment,
    target: Target,
    published: Mapping[tuple[str, str], str],
) -> Ranges:
    """The ranges in ``environment``; ``published``: (dependent, dependency) → the range in its metadata."""
    reader = _RangeReader(project, target, published)
    return Ranges(
        {entry.package.name: reader.asked(entry) for entry in environment.packages},
        {entry.package.name: reader.bounds(entry.package.name) for entry in environment.packages},
    )


class _RangeReader:
    """Finds the ranges in the lock, in published metadata, and in the user's settings."""

    def __init__(self, project: Project, target: Target, published: Mapping[tuple[str, str], str]) -> None:
        self._lock = project.lock
        self._published = published
        self._conditions = Conditions(target.marker_environment())
        manifest = project.lock.manifest
        self._constraints = _by_name(one for one in manifest.constraints if self._holds(one))
        self._overrides = _by_name(manifest.overrides)
        # Lists of requirements by name: a project may have thousands.
        self._requirements: dict[int, dict[str, list[Requirement]]] = {}

    def asked(self, entry: EnvPackage) -> dict[str, str | None]:
        """Dependent → its range; a project counts as one with its extras and groups."""
        found: dict[str, str | None] = {}
        for label in entry.requested_by:
            who = base_name(label) or "the project"
            if label == SELECTION and entry.package.is_local_tree:
                continue  # selected itself, without a version range
            range_ = self._range(label, entry.package.name)
            before = found.get(who, "")
            found[who] = None if range_ is None or before is None else joined((before, range_))
        return found

    def bounds(self, name: str) -> tuple[tuple[str, str], ...]:
        """(Origin, range) pairs that always apply to ``name``."""
        given = [(CONSTRAINT, one) for one in self._constraints.get(name, ())]
        given += [(OVERRIDE, one) for one in self._overrides.get(name, ()) if not one.of and self._holds(one)]
        return tuple((who, one.specifier) for who, one in given if one.specifier)

    def _range(self, label: str, name: str) -> str | None:
        base, _, group = label.partition(":")
        base, _, extra = base.partition("[")
        override = self._override(base, name)
        if override is not None:
            return override
        if label == SELECTION:
            return self._of(self._lock.manifest.requirements, name)
        if group and not base:
            return self._of(_group(self._lock.manifest.dependency_groups, group), name)
        for package in self._local(base):
            said = self._recorded(package, name, extra.removesuffix("]"), group)
            if said is not None:
                return said
        return self._published.get((base, name))

    def _override(self, dependent: str, name: str) -> str | None:
        """The override of the range of ``dependent``; ``None`` if there is none."""
        overrides = self._overrides.get(name)
        if overrides is None:
            return None
        for whose in (dependent, ""):
            some = [one for one in overrides if one.of == whose]
            if some:
                return joined(one.specifier for one in some if self._holds(one))
        return None

    def _local(self, name: str) -> Iterable[Package]:
        return (one for one in self._lock.by_name.get(name, ()) if one.metadata.present)

    def _recorded(self, package: Package, name: str, extra: str, group: str) -> str | None:
        """The range in the lock's copy of a project's requirements."""
        if group:
            return self._of(_group(package.metadata.requires_dev, group), name)
        return self._of(package.metadata.requires_dist, name, (extra,) if extra else ())

    def _of(
        self, requirements: tuple[Requirement, ...], name: str, extras: Collection[str] = ()
    ) -> str | None:
        """The joined ranges of the applicable requirements of that name; ``None`` if there are none.

        ``requirements`` belong to the lock, which outlives this object, so they are cached by identity.
        """
        by_name = self._requirements.get(id(requirements))
        if by_name is None:
            by_name = self._requirements[id(requirements)] = _by_name(requirements)
        some = [one for one in by_name.get(name, ()) if self._holds(one, extras)]
        return joined(one.specifier for one in some) if some else None

    def _holds(self, requirement: Requirement, extras: Collection[str] = ()) -> bool:
        try:
            return self._conditions.evaluate(requirement.marker, extras)
        except MarkerError:
            return True  # an extra range may refuse too much, but never gives a wrong version


def _by_name(requirements: Iterable[Requirement]) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for one in requirements:
        found.setdefault(one.name, []).append(one)
    return found


def _group(groups: Iterable[tuple[str, tuple[Requirement, ...]]], name: str) -> tuple[Requirement, ...]:
    return next((listed for group, listed in groups if group == name), ())


def base_name(label: str) -> str:
    """``name[extra]`` and ``name:group`` → ``name``."""
    return label.partition("[")[0].partition(":")[0]


def joined(ranges: Iterable[str]) -> str:
    """The intersection of the ranges."""
    return ",".join(dict.fromkeys(part for one in ranges for part in one.split(",") if part))
