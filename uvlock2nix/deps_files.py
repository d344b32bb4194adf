"""The project files that deps reads; a change to any other file does not rebuild it."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import PurePosixPath

from uvlock2nix.build_pins import BuildPins
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.errors import ProjectError
from uvlock2nix.lock import GitSource, Member, Project
from uvlock2nix.lock.local import index_pages


def deps_files(
    project: Project,
    every: Sequence[ClassifiedPackage],
    members: Sequence[Member],
    build_pins: BuildPins,
    patches: Sequence[tuple[str, tuple[PurePosixPath, ...]]],
) -> tuple[PurePosixPath, ...]:
    """The files below the project's root that deps reads: those that uv reads, artifacts, and patches.

    Raises:
        ProjectError: a file in the lock does not exist, or is not where Nix sees it.
    """
    files = dict.fromkeys(project.files)
    files |= dict.fromkeys(path for _, listed in patches for path in listed)
    declared = (member.pyproject_path for member in members)
    files |= dict.fromkeys(path for path in declared if (project.root / path).is_file())
    files |= {PurePosixPath(file.path): None for file in build_pins.files if file.path is not None}
    for one in every:
        artifact = one.choice.artifact
        if artifact is None or artifact.path is None or artifact.kind not in ("wheel", "sdist"):
            continue
        if not isinstance(one.package.package.source, GitSource):
            files[_below(project, one.name, artifact.path)] = None
            files |= dict.fromkeys(index_pages(project.root, one.package.package, artifact.path))
    return tuple(sorted(files))


def _below(project: Project, name: str, path: str) -> PurePosixPath:
    """The path of a file in the lock, which Nix must be able to see. Raises ProjectError."""
    where = posixpath.normpath(project.root.as_posix() + "/" + path if not path.startswith("/") else path)
    try:
        below = PurePosixPath(where).relative_to(project.root.as_posix())
    except ValueError:
        raise ProjectError(
            f"{name}: its file {path} is outside {project.root}, the only folder that Nix sees",
            hint="move it below that folder and run `uv lock` again",
        ) from None
    place = project.root / below
    gone = not place.is_file()
    if gone or place.resolve() != project.root.resolve() / below:
        why = "does not exist" if gone else "is behind a symbolic link, which Nix does not follow"
        hint = "restore it, or run `uv lock` again" if gone else "replace the link with the file"
        raise ProjectError(f"{name}: its file {place} {why}", hint=hint)
    return below
