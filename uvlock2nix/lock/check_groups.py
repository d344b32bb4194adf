"""Dependency groups of a pyproject.toml, and what a lock says about their settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from uvlock2nix.lock.declared import Wanted, read_requirements
from uvlock2nix.lock.model import Manifest, Package
from uvlock2nix.lock.pyproject import INCLUDE, PyProject

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def group_settings(where: str, declared: PyProject, locked: Package | Manifest) -> Iterator[str]:
    """A sentence for each setting that differs; ``where`` names the package, or the workspace."""
    if _defaults(declared) != _defaults(locked):
        yield f"{where}: default-groups: differ between pyproject.toml and lock"
    if not declared.group_pythons and not locked.group_pythons:
        return
    from packaging.specifiers import SpecifierSet  # few projects have any

    if _pythons(declared) != {group: SpecifierSet(text) for group, text in locked.group_pythons}:
        yield f"{where}: requires-python of dependency groups: differs between pyproject.toml and lock"


def required_of_group(project: PyProject, name: str) -> Iterator[Wanted]:
    """The requirements of a dependency group, with those of the groups that it includes (each once).

    What a group asks of the Python is a condition of its requirements.
    """
    groups, pythons = dict(project.groups), dict(project.group_pythons)
    seen, queue = set[str](), [(name, _conditions(pythons.get(name, "")))]
    while queue:
        group, conditions = queue.pop()
        if group in seen:
            continue
        seen.add(group)
        for entry in groups.get(group, ()):
            if entry.startswith(INCLUDE):
                inner = entry.removeprefix(INCLUDE)
                queue.append((inner, (*conditions, *_conditions(pythons.get(inner, "")))))
                continue
            for one in read_requirements([entry], group=name):
                yield replace(one, markers=(*one.markers, *conditions))


def _conditions(specifiers: str) -> tuple[str, ...]:
    if not specifiers:
        return ()
    from packaging.specifiers import SpecifierSet

    return tuple(f"python_full_version {one.operator} '{one.version}'" for one in SpecifierSet(specifiers))


def _defaults(one: PyProject | Package | Manifest) -> object:
    """The default groups as a set; ``dev`` is what uv takes where nothing is said."""
    groups = one.default_groups
    return groups if groups == "all" else frozenset(("dev",) if groups is None else groups)


def _pythons(declared: PyProject) -> dict[str, SpecifierSet]:
    from packaging.specifiers import SpecifierSet

    groups = dict.fromkeys(group for group, _ in (*declared.groups, *declared.group_pythons))
    asked = {group: declared.pythons_of(group) for group in groups}
    return {group: SpecifierSet(",".join(texts)) for group, texts in asked.items() if texts}
