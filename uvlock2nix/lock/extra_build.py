"""What ``[tool.uv]`` adds to the build of a package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from uvlock2nix.lock.model import RegistrySource
from uvlock2nix.lock.project import Project


class Extra(NamedTuple):
    """What ``[tool.uv]`` adds to the build of a package."""

    build_requires: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    relax: tuple[str, ...] = ()


def extra(project: Project, name: str, locked: Mapping[str, str | None]) -> Extra:
    """``extra-build-dependencies``, ``extra-build-variables`` and ``config-settings`` for a package.

    ``locked`` maps names to their versions in this environment, for ``match-runtime``.
    """
    requires: list[str] = []
    for one in dict(project.uv.extra_build_dependencies).get(name, ()):
        version = locked.get(re.split(r"[^A-Za-z0-9._-]", one.requirement, maxsplit=1)[0].lower())
        pinned = one.match_runtime and version
        requires.append(f"{one.requirement}=={version}" if pinned else one.requirement)
    shared = shared_environment(project, name, locked)
    return Extra(
        (*requires, *(f"{one}=={version}" for one, version in shared.items())),
        dict(project.uv.extra_build_variables).get(name, ()),
        # In uv's order: the package's own settings come first.
        (*dict(project.uv.config_settings_package).get(name, ()), *project.uv.config_settings),
        tuple(shared),
    )


def shared_environment(project: Project, name: str, locked: Mapping[str, str | None]) -> dict[str, str]:
    """The packages that a build without isolation finds installed: the environment's wheels, name → version.

    Not those built from source: uv builds them afterwards, or at the same time.
    """
    uv = project.uv
    if not (uv.no_build_isolation or name in uv.no_build_isolation_package):
        return {}
    return {
        one: version
        for one, version in locked.items()
        if version is not None
        and one != name
        and one not in uv.no_build_isolation_package
        and any(isinstance(p.source, RegistrySource) and p.wheels for p in project.lock.by_name.get(one, ()))
    }
