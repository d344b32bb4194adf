"""Compare the settings that a lock was made with to the current ``[tool.uv]``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from uvlock2nix.lock.marker_functions import MarkerFunctions
from uvlock2nix.lock.markers import MarkerError
from uvlock2nix.lock.model import ConflictItem, Lock
from uvlock2nix.lock.pyproject import PyProject
from uvlock2nix.lock.spans import Span, parse_span
from uvlock2nix.lock.uv_settings import UvSettings
from uvlock2nix.names import canonicalize_name

_ALTERED = "differs between pyproject.toml and lock"


def settings_that_differ(
    lock: Lock, settings: UvSettings, root: PyProject, members: Sequence[PyProject]
) -> Iterator[str]:
    """One sentence for each resolver setting that differs from the lock's.

    ``root`` is the root's pyproject.toml; of its ``members``, only the conflicts count.
    """
    if not _same_places(lock, settings.environments, lock.supported_markers):
        yield f"tool.uv: environments: {_ALTERED}"
    required = lock.required_markers
    if required and not _same_places(lock, settings.required_environments, required):
        yield f"tool.uv: required-environments: {_ALTERED}"
    for key, now, then in (
        ("resolution", settings.resolution, lock.options.resolution_mode),
        ("prerelease", settings.prerelease, lock.options.prerelease_mode),
        ("fork-strategy", settings.fork_strategy, lock.options.fork_strategy),
    ):
        if _or_default(now, key) != _or_default(then, key):
            yield f"tool.uv: {key}: is {now or 'not set'}, the lock has {then or 'the default'}"
    yield from _exclude_newer(lock, settings)
    tool = root.tool_uv
    then_excluded = set(map(canonicalize_name, lock.manifest.excludes))
    excluded = _names(tool.get("exclude-dependencies"))
    # A new name that is not in the lock excludes nothing: uv keeps the lock.
    packages = {package.name for package in lock.packages}
    if excluded is not None and (then_excluded - excluded or packages & (excluded - then_excluded)):
        yield f"tool.uv: exclude-dependencies: {_ALTERED}"
    projects = {one.path: one for one in (root, *members)}.values()
    declared = [_conflicts(one.tool_uv.get("conflicts"), one.name) for one in projects]
    known = set[frozenset[ConflictItem]]().union(*(one for one in declared if one is not None))
    locked = set(map(frozenset, lock.conflicts))
    if None not in declared and not known <= locked <= _with_including_groups(known, projects):
        yield f"tool.uv: conflicts: {_ALTERED}"


_DEFAULTS = {"resolution": "highest", "prerelease": "if-necessary", "fork-strategy": "requires-python"}


def _or_default(value: str | None, key: str) -> str:
    # The mode has two names, of which the longer is older.
    return (value or _DEFAULTS[key]).removesuffix("-or-explicit")


def _exclude_newer(lock: Lock, settings: UvSettings) -> Iterator[str]:
    now, then = settings.exclude_newer, lock.options.exclude_newer_span or lock.options.exclude_newer
    # Without a setting, UV_EXCLUDE_NEWER may have been set.
    if now is None:
        return
    if then is None:
        yield f"tool.uv: exclude-newer: is {now}, the lock was made without it"
    elif (one := _comparable(now)) and (other := _comparable(then)) and one != other:
        yield f"tool.uv: exclude-newer: is {now}, the lock has {then}"


def _comparable(text: str) -> Span | datetime | None:
    """A span, or a full RFC 3339 time; None for a date, which depends on uv's time zone."""
    if (span := parse_span(text)) is not None:
        return span
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _same_places(lock: Lock, now: Iterable[str], then: Iterable[str]) -> bool:
    now, then = tuple(now), tuple(then)
    try:
        functions = MarkerFunctions((*now, *then), lock.requires_python)
        return {functions.of(one) for one in now} == {functions.of(one) for one in then}
    except MarkerError:
        return True


def _names(value: object) -> set[str] | None:
    """Plain names; None if there is anything else (tables), which is left to uv."""
    if value is None:
        return set()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {canonicalize_name(item) for item in value}
    return None


def _conflicts(value: object, own: str | None) -> set[frozenset[ConflictItem]] | None:
    """The declared sets, items without a package being ``own``; None if they are less than what the lock has.

    If a package itself is an item, uv adds sets to the lock, which are left to uv.
    """
    found: set[frozenset[ConflictItem]] = set()
    for entries in value if isinstance(value, list) else ():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return None
        items = [_conflict_item(entry, own) for entry in entries]
        if any(item is None for item in items):
            return None
        found.add(frozenset(item for item in items if item is not None))
    return found


def _with_including_groups(
    declared: set[frozenset[ConflictItem]], projects: Iterable[PyProject]
) -> set[frozenset[ConflictItem]]:
    """The sets, and those that follow because a group includes one of their groups."""
    including = [
        (project.name, outer, entry.removeprefix("include-group:"))
        for project in projects
        for outer, entries in project.groups
        for entry in entries
        if entry.startswith("include-group:")
    ]
    found, queue = set(declared), list(declared)
    while queue:
        conflict = queue.pop()
        for item in conflict:
            for package, outer, inner in including:
                if item.package == package and item.group == inner:
                    larger = (conflict - {item}) | {ConflictItem(item.package, group=outer)}
                    if larger not in found:
                        found.add(larger)
                        queue.append(larger)
    return found


def _conflict_item(entry: Mapping[str, object], own: str | None) -> ConflictItem | None:
    package = entry.get("package", own)
    names = [canonicalize_name(str(entry[key])) if key in entry else None for key in ("extra", "group")]
    return ConflictItem(canonicalize_name(str(package)), *names) if package and any(names) else None
