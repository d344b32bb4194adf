"""Local packages: the libraries and programs that their build files name, and what their code opens by name.

No other table knows a local package. What its owner says (``[tool.uvlock2nix.native]``, ``[external]``)
replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from uvlock2nix.app.remarks import listed
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.errors import InputError
from uvlock2nix.inspect.opened import opened_in_tree
from uvlock2nix.knowledge.backends import backend_programs
from uvlock2nix.knowledge.native import NativeInputs, Origin
from uvlock2nix.lock import Member, Project, local_packages

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter

# Loads descriptions of libraries (typelibs).
_GOBJECT: Final = "pygobject"
# They run a build script of the project only where one of these tables asks for it.
_PURE: Final[Mapping[str, tuple[str, ...]]] = {
    "flit_core": (),
    "hatchling": ("hatch", "build"),
    "pdm": ("pdm", "build"),
    "poetry": ("poetry", "build"),
    "uv_build": (),
}


def with_local_trees(
    knowledge: Knowledge, project: Project, packages: Sequence[ClassifiedPackage], reporter: Reporter
) -> Knowledge:
    """``knowledge`` with what the local packages among ``packages`` name."""
    local = [one.package.package for one in packages if one.package.package.is_local_tree]
    trees = local_packages(project, local)
    asked = [tree for tree in trees if not _is_said(knowledge, tree.name) and _may_compile(project, tree)]
    found = {tree.name: inputs for tree in asked if (inputs := _inspected(project, tree, trees)) is not None}
    typelibs = any(one.name == _GOBJECT and not one.from_nixpkgs for one in packages)
    for tree in trees:
        opened = opened_in_tree(
            project.root / tree.path,
            typelibs=typelibs,
            without=[project.root / one.path for one in _inner(tree, trees)],
        )
        if opened.attributes:
            inputs = found.get(tree.name, NativeInputs(origin=Origin(provenance="inspected"), kind="dlopen"))
            run = inputs.run._replace(dlopen=tuple(sorted(opened.attributes)))
            found[tree.name] = inputs._replace(run=run)
        if opened.unknown and "dlopen" not in _given(knowledge, tree.name):
            reporter.note(
                f"{tree.name} opens {listed(opened.unknown)} by name, which no table has: "
                f"name the attribute that has it as dlopen under [tool.uvlock2nix.native.{tree.name}]"
            )
    return replace(knowledge, inspected={**knowledge.inspected, **found}) if found else knowledge


def _given(knowledge: Knowledge, name: str) -> frozenset[str]:
    user = knowledge.user.get(name)
    return user.origin.given if user is not None else frozenset()


def _is_said(knowledge: Knowledge, name: str) -> bool:
    return name in knowledge.external or "build_inputs" in _given(knowledge, name)


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

    inner = [f"{one.path.relative_to(tree.path)}/" for one in _inner(tree, trees)]
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


def _inner(tree: Member, trees: Iterable[Member]) -> list[Member]:
    """The other packages in the folder of ``tree``."""
    return [one for one in trees if one.path != tree.path and one.path.is_relative_to(tree.path)]
