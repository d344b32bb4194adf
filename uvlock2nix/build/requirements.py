"""The build requirements to install: declared, added and relaxed ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tomli
from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name

# https://packaging.python.org/en/latest/specifications/pyproject-toml/#build-system-requires
LEGACY: Final = ("setuptools >= 40.8.0",)


@dataclass(frozen=True, slots=True)
class BuildSystem:
    """``[build-system]`` of a source tree, with PEP 517's defaults for missing keys."""

    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()


def read_build_system(tree: Path) -> BuildSystem:
    """Read ``pyproject.toml`` of an unpacked sdist.

    Raises:
        InputError: it is not TOML, or ``[build-system]`` does not follow PEP 518.
    """
    path = tree / "pyproject.toml"
    legacy = BuildSystem(LEGACY, "setuptools.build_meta:__legacy__")
    try:
        table = tomli.loads(path.read_text(encoding="utf-8")).get("build-system")
    except FileNotFoundError:
        return legacy
    except (tomli.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise InputError(f"{tree.name}: pyproject.toml: {error}", hint="the sdist is damaged") from None
    if table is None:
        return legacy
    if not isinstance(table, dict):
        table = {"requires": None}
    requires, backend = table.get("requires", []), table.get("build-backend", legacy.backend)
    where = table.get("backend-path", [])
    if not (_strings(requires) and isinstance(backend, str) and _strings(where)):
        raise InputError(
            f"{tree.name}: pyproject.toml: [build-system] does not follow PEP 518",
            hint="report it to the package's maintainers",
        )
    return BuildSystem(tuple(requires), backend, tuple(where))


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def effective_requires(
    declared: Iterable[str],
    *,
    relax: Iterable[str] = (),
    added: Iterable[str] = (),
    locked: Mapping[str, str] | None = None,
    marker_environment: Mapping[str, str] | None = None,
    what: str,
) -> tuple[str, ...]:
    """The requirements to install for a build, in declared order, each name once if possible.

    ``locked`` maps a name to its version in this environment: if the requirement allows that version, exactly
    it is installed, so that code is compiled against the version of a library that it will run with.
    ``relax`` are requirements whose pins are dropped if ``locked`` has the package. ``added`` are
    requirements that the package does not declare; declared ones are not repeated.

    Raises:
        InputError: a requirement cannot be read.
    """
    relaxed: set[str] = {canonicalize_name(name) for name in relax}
    locked = locked or {}
    out: dict[str, None] = {}
    seen: set[str] = set()
    for text, is_added in [*((text, False) for text in declared), *((text, True) for text in added)]:
        requirement = _parse(text, what)
        name = canonicalize_name(requirement.name)
        if is_added and name in seen:
            continue
        if requirement.marker and not _applies(requirement.marker, marker_environment or {}, what):
            continue
        seen.add(name)
        if name in relaxed & locked.keys() and not requirement.url:
            requirement.specifier = type(requirement.specifier)()
        version = locked.get(name)
        if version and not requirement.url and _admits(requirement, version):
            requirement.specifier = type(requirement.specifier)(f"=={version}")
        requirement.marker = None
        out[str(requirement)] = None
    return tuple(out)


def _applies(marker: Marker, environment: Mapping[str, str], what: str) -> bool:
    try:
        return marker.evaluate(dict(environment))
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion) as error:
        raise InputError(
            f"{what}: the marker `{marker}` of a build requirement: {error}",
            hint="report it to the package's maintainers",
        ) from None


def _admits(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _parse(text: str, what: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise InputError(
            f"{what}: build requirement {text!r}: {error}",
            hint="https://packaging.python.org/en/latest/specifications/dependency-specifiers/",
        ) from None
