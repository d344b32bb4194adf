"""The patch releases of Python for which an environment is valid: a lock can distinguish them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from packaging.specifiers import SpecifierSet

from uvlock2nix.errors import Uvlock2nixError
from uvlock2nix.lock import Lock, Project, Selection, resolve
from uvlock2nix.lock.markers import (
    Both,
    Comparison,
    Either,
    Marker,
    MarkerError,
    evaluate_comparison,
    parse_marker,
)
from uvlock2nix.target import Target

Packages = frozenset[tuple[str, str | None]]
"""The names and versions of an environment."""


def patch_ranges(
    project: Project, selection: Selection, environments: Sequence[tuple[Target, Packages]]
) -> list[tuple[int | None, int | None]]:
    """For each target, the first patch release with its packages, and the first later one with others.

    None if the lock does not distinguish releases on that side.
    """
    return [_range(project, selection, *one) for one in environments]


def _range(
    project: Project, selection: Selection, target: Target, here: Packages
) -> tuple[int | None, int | None]:
    conditions = _Conditions(project, target)

    def differs(patch: int) -> bool:
        other = _with_patch(target, patch)
        return not conditions.agree(other) and _packages(project, selection, other) != here

    return _nearest(conditions.cuts, target.python.patch, differs)


def _nearest(cuts: set[int], patch: int, differs: Callable[[int], bool]) -> tuple[int | None, int | None]:
    below = (cut for cut in sorted(cuts, reverse=True) if cut <= patch)
    above = (cut for cut in sorted(cuts) if cut > patch)
    return next((cut for cut in below if differs(cut - 1)), None), next(filter(differs, above), None)


def _with_patch(target: Target, patch: int) -> Target:
    return replace(target, python=target.python._replace(patch=patch))


class _Conditions:
    """The few conditions by which a lock distinguishes patch releases: faster than resolving for each."""

    def __init__(self, project: Project, target: Target) -> None:
        self.minor, self.full = target.python.minor, target.python.full
        self.environment = target.marker_environment()
        pyprojects = [one.pyproject for one in project.members]
        pyprojects += [project.pyproject] if project.pyproject is not None else []
        self.pythons = {requires for one in pyprojects for _, requires in one.group_pythons}
        self.pythons.add(project.lock.requires_python or "")
        after = _with_patch(target, target.python.patch + 1).marker_environment()
        moving = [name for name, value in self.environment.items() if after[name] != value]
        self.comparisons = {
            atom
            for text in _markers(project.lock)
            if any(name in text for name in moving)
            for atom in _comparisons(parse_marker(text))
        }

    @property
    def cuts(self) -> set[int]:
        """The patch releases at which one of them may change its result."""
        number = re.compile(rf"(?<![0-9.]){re.escape(self.minor)}\.([0-9]{{1,4}})(?![0-9])")
        found: set[int] = set()
        for text in (*self.pythons, *(one.value for one in self.comparisons)):
            for patch in map(int, number.findall(text)):
                found |= {patch, patch + 1}
        return found - {0}

    def agree(self, other: Target) -> bool:
        """Whether each is equally true for ``other``, so that the environment is the same."""
        environment, full = other.marker_environment(), other.python.full
        try:
            return all(_admits(one, full) == _admits(one, self.full) for one in self.pythons) and all(
                evaluate_comparison(one, environment) == evaluate_comparison(one, self.environment)
                for one in self.comparisons
            )
        except MarkerError:
            return False


def _admits(requires: str, python: str) -> bool:
    return SpecifierSet(requires).contains(python, prereleases=True)


def _markers(lock: Lock) -> set[str]:
    """Every marker that decides what is installed."""
    manifest = lock.manifest
    requirements = (
        *manifest.requirements,
        *(one for _, group in manifest.dependency_groups for one in group),
    )
    found = {*lock.resolution_markers, *lock.supported_markers, *(one.marker for one in requirements)}
    for package in lock.packages:
        found.add(package.marker)
        found.update(package.resolution_markers)
        tables = (package.optional_dependencies, package.dependency_groups)
        for edges in (package.dependencies, *(edges for table in tables for edges in table.values())):
            found.update([edge.marker for edge in edges])
    return found


def _comparisons(marker: Marker) -> Iterator[Comparison]:
    if isinstance(marker, Both | Either):
        for part in marker.parts:
            yield from _comparisons(part)
    elif isinstance(marker, Comparison):
        yield marker


def _packages(project: Project, selection: Selection, target: Target) -> Packages | None:
    """The packages that would be installed; None if the lock does not allow the release."""
    try:
        environment = resolve(project, selection, target)
    except Uvlock2nixError:
        return None
    return frozenset((one.package.name, one.package.version) for one in environment.packages)
