"""Local packages: everything in the lock that is built from a folder of the user.

Workspace members and other path dependencies, editable or not. uv builds them all in the same way:
https://docs.astral.sh/uv/concepts/projects/dependencies/#path
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from uvlock2nix.errors import ProjectError
from uvlock2nix.lock.model import DirectorySource, EditableSource, Package, RegistrySource, VirtualSource
from uvlock2nix.lock.project import Member, Project
from uvlock2nix.lock.pyproject import PyProject, parse_pyproject, read_pyproject
from uvlock2nix.lock.wire import Problems


def local_packages(project: Project, packages: Iterable[Package]) -> tuple[Member, ...]:
    """The source trees among ``packages`` that are built, in the order of the workspace and then of the lock.

    Raises:
        ProjectError: one of their pyproject.toml files cannot be read.
    """
    trees = {one.name: one for one in packages if one.is_local_tree}
    members = [member for member in project.members if member.name in trees]
    others = [one for name, one in trees.items() if all(member.name != name for member in members)]
    every = (*members, *(_read(project, one) for one in sorted(others, key=lambda one: one.index)))
    return tuple(one for one in every if not one.is_virtual)


def tree_path(package: Package) -> PurePosixPath:
    """The folder of a source tree, as the lock spells it."""
    source = package.source
    assert isinstance(source, DirectorySource | EditableSource | VirtualSource)  # noqa: S101 - is_local_tree
    return PurePosixPath(source.path)


def refuse_unseen(project: Project, packages: Iterable[Member]) -> None:
    """Refuse local packages that Nix cannot see, or that have nothing to build.

    Raises:
        ProjectError: a folder is outside the project, does not exist, or is not a source tree.
    """
    root = project.root.resolve()
    for one in packages:
        folder = project.root / one.path
        if ".." in one.path.parts or one.path.is_absolute() or not folder.resolve().is_relative_to(root):
            raise ProjectError(
                f"{one.name}: its folder {one.path} is outside {project.root}, the only folder that Nix sees",
                hint="move it below that folder and run `uv lock`, or take it from git in [tool.uv.sources]",
            )
        if (real := folder.resolve().relative_to(root)) != Path(one.path):
            raise ProjectError(
                f"{one.name}: its folder {one.path} is {real} behind a symbolic link, which Nix refuses",
                hint=f'write "{real}" as its path under [tool.uv.sources] and run `uv lock` again',
            )
        if not any((folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
            what = "has neither pyproject.toml nor setup.py" if folder.is_dir() else "does not exist"
            raise ProjectError(
                f"{one.name}: its folder {folder} {what}",
                hint="correct its path under [tool.uv.sources] and run `uv lock` again",
            )


def index_pages(root: Path, package: Package, path: str) -> tuple[PurePosixPath, ...]:
    """The simple index page in a folder that leads to ``path``, a file elsewhere.

    uv reaches the file by a path relative to the page's folder, so that folder must exist.
    """
    source = package.source
    if not isinstance(source, RegistrySource) or source.path is None or "/../" not in path:
        return ()
    page = PurePosixPath(source.path, package.name, "index.html")
    return (page,) if (root / page).is_file() else ()


def _read(project: Project, package: Package) -> Member:
    path = _relative(project.root, str(tree_path(package)))
    is_virtual = isinstance(package.source, VirtualSource)
    return Member(package.name, path, _pyproject(project.root / path), is_virtual)


def _relative(root: Path, path: str) -> PurePosixPath:
    """The path relative to the root if it is below it, however the lock spells it."""
    where = os.path.normpath(root / path)
    below = os.path.relpath(where, root)
    return PurePosixPath(path if below.startswith("..") else below)


def _pyproject(folder: Path) -> PyProject:
    """Its pyproject.toml; without one, setuptools builds it, as PEP 517 prescribes."""
    path = folder / "pyproject.toml"
    if path.is_file():
        return read_pyproject(path)
    return parse_pyproject({}, path, Problems(str(path)))
