"""The version of package, and the local packages that take theirs from git."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from uvlock2nix.inspect.project_version import static_version, version_tool
from uvlock2nix.knowledge.backends import version_tools
from uvlock2nix.knowledge.templates import Literal
from uvlock2nix.lock import Member, Project
from uvlock2nix.native import Native
from uvlock2nix.regex import regex

# Characters that are not allowed in a store path, or that are awkward in file names.
_NOT_IN_NAMES: Final = regex(r"[^0-9a-zA-Z+._-]+")


def store_name(text: str) -> str:
    """``text`` as part of the name of a store path, where the ``!`` of an epoch is not allowed."""
    return _NOT_IN_NAMES.sub("-", text).strip("-.")


class ProjectVersion(NamedTuple):
    """``own`` is the version in the project's files, as part of a store path's name; None if there is none.

    ``given`` is ``[tool.uvlock2nix] version``, else that of a variable of its build.

    ``from_git`` are the local packages whose backend takes the version from git, with the tool that does.
    """

    own: str | None
    given: str | None
    from_git: tuple[tuple[str, str], ...] = ()

    @property
    def known(self) -> str | None:
        """The version if it does not depend on git."""
        return self.given or self.own


def project_version(
    project: Project, name: str, members: Sequence[Member], builds: Sequence[Native], given: str | None
) -> ProjectVersion:
    """The version of the project ``name``; ``members`` are the local packages, ``builds`` their inputs."""
    asking = [(one.name, version_tool(project.root / one.path)) for one in members]
    from_git = tuple((member, tool) for member, tool in asking if tool)
    main = next((one for one in project.members if one.name == name), None)
    if given is None and name in dict(from_git):
        given = _said(name, builds)
    own = static_version(project.root / main.path) if main is not None else None
    if own is None or name in dict(from_git):
        return ProjectVersion(None, given, from_git)
    return ProjectVersion(store_name(own), given, from_git)


def _said(name: str, builds: Sequence[Native]) -> str | None:
    """The version in a variable of the build, such as ``SETUPTOOLS_SCM_PRETEND_VERSION``."""
    names = {variable.partition("<")[0] for variables in version_tools().values() for variable in variables}
    for one in builds:
        for variable, parts in one.inputs.build.env if one.name == name else ():
            if variable.startswith(tuple(names)) and len(parts) == 1 and isinstance(parts[0], Literal):
                return parts[0].text
    return None
