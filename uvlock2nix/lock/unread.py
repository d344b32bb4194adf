"""Whether building the local packages can depend on uv.lock, which changes more often than their source.

Only the plain use of backends without plugins is recognised, whose wheels have the modules and nothing that
a pattern finds; everything else counts as reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from uvlock2nix.lock.project import Member
from uvlock2nix.lock.pyproject import PyProject
from uvlock2nix.names import required_name

LOCK: Final = "uv.lock"


def no_build_reads_lock(members: Iterable[Member]) -> bool:
    """Whether no wheel of ``members`` can contain uv.lock, or anything that a backend read in it."""
    return all(_ignores_lock(member) for member in members)


def _ignores_lock(member: Member) -> bool:
    project = member.pyproject
    system = project.build_system
    requirement, is_plain = _BACKENDS.get(system.backend, ("", _never))
    return (
        [required_name(one) for one in system.requires] == [requirement]
        and not system.backend_path
        and not any(map(_may_be_the_lock, project.about.files))
        and LOCK not in str(project.tool.get("hatch"))
        and is_plain(project)
    )


def _may_be_the_lock(pattern: str) -> bool:
    """Whether a pattern of license-files, or a name, may mean uv.lock, in any folder."""
    return fnmatchcase(LOCK, pattern.rpartition("/")[2])


def _never(project: PyProject) -> bool:
    return False


def _plain_uv_build(project: PyProject) -> bool:
    """``data`` names folders whose files go into the wheel.

    https://docs.astral.sh/uv/reference/settings/#build-backend
    """
    settings = project.tool_uv.get("build-backend", {})
    return isinstance(settings, dict) and "data" not in settings


def _plain_flit(project: PyProject) -> bool:
    """External data are folders whose files go into the wheel.

    https://flit.pypa.io/en/stable/pyproject_toml.html#external-data-section
    """
    settings = project.tool.get("flit", {})
    return isinstance(settings, dict) and "external-data" not in settings


def _plain_hatchling(project: PyProject) -> bool:
    """No hooks, no code that gives the version, and no files but those of packages.

    https://hatch.pypa.io/latest/config/build/
    """
    settings = project.tool.get("hatch", {})
    if not isinstance(settings, dict) or not settings.keys() <= {"build", "version", "envs"}:
        return False
    version = settings.get("version", {})
    if not isinstance(version, dict) or not version.keys() <= {"path", "pattern"}:
        return False
    if (project.path.parent / "hatch.toml").exists():
        return False
    build = settings.get("build", {})
    targets = build.get("targets", {}) if isinstance(build, dict) and build.keys() <= {"targets"} else None
    wheel = targets.get("wheel", {}) if isinstance(targets, dict) else None
    if not isinstance(wheel, dict) or not wheel.keys() <= {"packages"}:
        return False
    packages = wheel.get("packages", [])
    return isinstance(packages, list) and all(
        isinstance(one, str) and one.strip("./") and "*" not in one for one in packages
    )


_BACKENDS: Final[Mapping[str, tuple[str, Callable[[PyProject], bool]]]] = {
    "uv_build": ("uv-build", _plain_uv_build),
    "flit_core.buildapi": ("flit-core", _plain_flit),
    "hatchling.build": ("hatchling", _plain_hatchling),
}
