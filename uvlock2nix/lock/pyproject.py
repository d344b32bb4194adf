"""pyproject.toml → frozen values.

https://packaging.python.org/en/latest/specifications/pyproject-toml/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from uvlock2nix.errors import ProjectError
from uvlock2nix.lock.about import About, read_about
from uvlock2nix.lock.uv_settings import read_default_groups
from uvlock2nix.lock.wire import Problems, Table, is_specifier, load_toml, shorten

MAX_BYTES = 16 << 20

DEFAULT_BUILD_REQUIRES = ("setuptools>=40.8.0",)
DEFAULT_BUILD_BACKEND = "setuptools.build_meta:__legacy__"
"""What PEP 517 prescribes for a source tree without ``[build-system]``."""

_HINT = "see https://packaging.python.org/en/latest/specifications/pyproject-toml/"

Pairs = tuple[tuple[str, str], ...]

# How :attr:`PyProject.groups` spells ``{include-group = NAME}``.
INCLUDE: Final = "include-group:"


class BuildSystem(NamedTuple):
    """``[build-system]``; ``declared`` is false if the table is missing and these are the defaults."""

    declared: bool
    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...]


class PyProject(NamedTuple):
    """A pyproject.toml. ``name`` is None if there is no ``[project]``; names are normalised.

    ``groups``: dependency group → its entries, ``{include-group = …}`` as ``include-group:NAME``;
    the legacy ``tool.uv.dev-dependencies`` are part of ``dev``. ``group_pythons``: dependency group → its
    own ``requires-python``. ``tool`` is the raw table, ``tool_uv`` and ``tool_uvlock2nix`` are those in it.
    """

    path: Path
    name: str | None
    version: str | None
    dynamic: tuple[str, ...]
    requires_python: str | None
    dependencies: tuple[str, ...]
    optional_dependencies: tuple[tuple[str, tuple[str, ...]], ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    group_pythons: Pairs
    default_groups: tuple[str, ...] | Literal["all"] | None
    build_system: BuildSystem
    scripts: Pairs
    gui_scripts: Pairs
    entry_points: tuple[tuple[str, Pairs], ...]
    workspace_members: tuple[str, ...] | None
    workspace_exclude: tuple[str, ...]
    tool: Mapping[str, Any]
    tool_uv: Mapping[str, Any]
    tool_uvlock2nix: Mapping[str, Any]
    external: Mapping[str, Any]
    about: About = About()

    def pythons_of(self, group: str) -> tuple[str, ...]:
        """What a dependency group, with those that it includes, asks of the Python (version specifiers)."""
        entries, own = dict(self.groups), dict(self.group_pythons)
        seen, queue = dict.fromkeys([group]), [group]
        while queue:
            included = (
                entry.removeprefix(INCLUDE)
                for entry in entries.get(queue.pop(), ())
                if entry.startswith(INCLUDE)
            )
            new = [name for name in included if name not in seen]
            seen |= dict.fromkeys(new)
            queue += new
        return tuple(own[name] for name in seen if name in own)


def read_pyproject(path: Path) -> PyProject:
    """Read a pyproject.toml. Raises ProjectError with all problems."""
    table, _ = load_toml(path, limit=MAX_BYTES, error=ProjectError)
    problems = Problems(str(path))
    value = parse_pyproject(table, path, problems)
    problems.raise_if_any(ProjectError, _HINT)
    return value


def parse_pyproject(table: Table, path: Path, problems: Problems) -> PyProject:
    """Parse an already loaded table; problems are collected."""
    project = problems.table(table, "project", "pyproject")
    tool = problems.table(table, "tool", "pyproject")
    uv = problems.table(tool, "uv", "tool")
    workspace = problems.table(uv, "workspace", "tool.uv")
    has_project = "project" in table
    return PyProject(
        path=path,
        name=problems.name(project.get("name"), "project", "name") if has_project else None,
        version=problems.text(project, "version", "project"),
        dynamic=problems.texts(project, "dynamic", "project"),
        requires_python=problems.text(project, "requires-python", "project"),
        dependencies=problems.texts(project, "dependencies", "project"),
        optional_dependencies=_lists(problems.table(project, "optional-dependencies", "project"), problems),
        groups=_groups(table, uv, problems),
        group_pythons=_group_pythons(uv, problems),
        default_groups=read_default_groups(uv, problems),
        build_system=_build_system(table, problems),
        scripts=_pairs(project, "scripts", "project", problems),
        gui_scripts=_pairs(project, "gui-scripts", "project", problems),
        entry_points=tuple(
            (group, _pairs(entries, group, "project.entry-points", problems))
            for entries in (problems.table(project, "entry-points", "project"),)
            for group in entries
        ),
        workspace_members=problems.texts(workspace, "members", "tool.uv.workspace")
        if "workspace" in uv
        else None,
        workspace_exclude=problems.texts(workspace, "exclude", "tool.uv.workspace"),
        tool=tool,
        tool_uv=uv,
        tool_uvlock2nix=problems.table(tool, "uvlock2nix", "tool"),
        external=problems.table(table, "external", "pyproject"),
        about=read_about(project),
    )


def _lists(table: Table, problems: Problems) -> tuple[tuple[str, tuple[str, ...]], ...]:
    where = "project: optional-dependencies"
    return tuple((problems.name(key, where, key), problems.texts(table, key, where)) for key in table)


def _groups(table: Table, uv: Table, problems: Problems) -> tuple[tuple[str, tuple[str, ...]], ...]:
    where = "dependency-groups"
    groups = problems.table(table, where, "pyproject")
    found: dict[str, tuple[str, ...]] = {}
    for key in groups:
        entries = []
        for item in problems.items(groups, key, where):
            if isinstance(item, str):
                entries.append(item)
            elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
                entries.append(f"{INCLUDE}{problems.name(item['include-group'], where, key)}")
            else:
                problems.add(where, key, "is neither a requirement nor {include-group = …}")
        found[problems.name(key, where, key)] = tuple(entries)
    if "dev-dependencies" in uv:
        legacy = problems.texts(uv, "dev-dependencies", "tool.uv")
        found["dev"] = (*found.get("dev", ()), *legacy)
    return tuple(found.items())


def _group_pythons(uv: Table, problems: Problems) -> Pairs:
    """``tool.uv.dependency-groups``: a group's own ``requires-python``."""
    where, key = "tool.uv.dependency-groups", "requires-python"
    groups = problems.table(uv, "dependency-groups", "tool.uv")
    found = []
    for name in groups:
        text = problems.text(problems.table(groups, name, where), key, f"{where}.{shorten(name, 40)}")
        if text is not None and not is_specifier(text):
            problems.add(f"{where}.{shorten(name, 40)}", key, f"is not a version specifier: {shorten(text)}")
        elif text is not None:
            found.append((problems.name(name, where, ""), text))
    return tuple(found)


def _build_system(table: Table, problems: Problems) -> BuildSystem:
    if "build-system" not in table:
        return BuildSystem(False, DEFAULT_BUILD_REQUIRES, DEFAULT_BUILD_BACKEND, ())
    system = problems.table(table, "build-system", "pyproject")
    backend = problems.text(system, "build-backend", "build-system")
    return BuildSystem(
        True,
        problems.texts(system, "requires", "build-system"),
        backend or DEFAULT_BUILD_BACKEND,
        problems.texts(system, "backend-path", "build-system"),
    )


def _pairs(table: Table, key: str, where: str, problems: Problems) -> Pairs:
    values = problems.table(table, key, where)
    found = []
    for name, value in values.items():
        if isinstance(value, str) and value:
            found.append((name, value))
        else:
            problems.add(f"{where}: {key}", name, "is not a reference to an object, as in `module:function`")
    return tuple(found)
