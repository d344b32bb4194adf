"""Local packages that compile: what their build files say about the libraries and programs that they need.

No other table knows a local package. What its owner says (``[tool.uvlock2nix.native]``, ``[external]``)
replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.backends import backend_programs
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.lock import Member, Project, local_packages

# They run a build script of the project only where one of these tables asks for it.
_PURE: Final[Mapping[str, tuple[str, ...]]] = {
    "flit_core": (),
    "hatchling": ("hatch", "build"),
    "pdm": ("pdm", "build"),
    "poetry": ("poetry", "build"),
    "uv_build": (),
}


def with_local_trees(
    knowledge: Knowledge, project: Project, packages: Iterable[ClassifiedPackage]
) -> Knowledge:
    """``knowledge`` with what the build files of the local packages name."""
    trees = local_packages(project, [one.package.package for one in packages])
    asked = [tree for tree in trees if not _is_said(knowledge, tree.name) and _may_compile(project, tree)]
    found = {tree.name: inputs for tree in asked if (inputs := _inspected(project, tree, trees)) is not None}
    return replace(knowledge, inspected={**knowledge.inspected, **found}) if found else knowledge


def _is_said(knowledge: Knowledge, name: str) -> bool:
    user = knowledge.user.get(name)
    return name in knowledge.external or (user is not None and "build_inputs" in user.origin.given)


def _may_compile(project: Project, tree: Member) -> bool:
    """Whether it is worth reading the tree: most backends are for pure Python packages."""
    backend = tree.pyproject.build_system.backend.partition(":")[0].partition(".")[0]
    tool = tree.pyproject.tool
    if backend in _PURE:
        return bool(_PURE[backend]) and _has_table(tool, _PURE[backend])
    if backend == "setuptools":
        has_script = (project.root / tree.path / "setup.py").is_file()
        return has_script or _has_table(tool, ("setuptools", "ext-modules"))
    return True


def _has_table(tool: Mapping[str, object], keys: Iterable[str]) -> bool:
    value: object = tool
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value is not None


def _inspected(project: Project, tree: Member, trees: Iterable[Member]) -> NativeInputs | None:
    from uvlock2nix.inspect.archive import Archive, read_tree
    from uvlock2nix.inspect.build_files import wanted
    from uvlock2nix.inspect.sdist import inspect_archive

    inner = [
        f"{one.path.relative_to(tree.path)}/"
        for one in trees
        if one.path != tree.path and one.path.is_relative_to(tree.path)
    ]
    try:
        archive = read_tree(project.root / tree.path, wanted)
    except InputError:
        return None  # too large to be looked at; a build that lacks something says what
    names = tuple(name for name in archive.names if not name.startswith(tuple(inner)))
    texts = {name: archive.texts[name] for name in names if name in archive.texts}
    found = inspect_archive(Archive(names, texts, archive.oddities), str(tree.path))
    system = tree.pyproject.build_system
    # What the backend runs is known of the backend.
    more = set(found.inputs.build.attributes) - set(backend_programs(system.backend, system.requires))
    return found.inputs if found.nature == "native" and more else None
