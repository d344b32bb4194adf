"""The environments of a project, for commands on all of them; and files of removed environments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from uvlock2nix.app.planning import Planned, Resolving, planned
from uvlock2nix.app.request import Options
from uvlock2nix.emit.common import PACKAGE, PINS
from uvlock2nix.environments import environments_of, is_service
from uvlock2nix.lock import Selection, load_project
from uvlock2nix.lock.places import argument_of, find_lock, folder_of

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter


def each_environment(project: Path, options: Options) -> tuple[Options, ...]:
    """The options for each environment of a command: all of them, or the requested one.

    A selection and a Python belong to one environment: given without ``--environment``, they are those of the
    unnamed environment.

    Raises:
        InputError, ProjectError: the project cannot be read.
        UsageError: the table of environments is invalid.
    """
    loaded = load_project(project)
    options = replace(options, loaded=loaded)
    if options.environment is not None:
        return (options,)
    bare = replace(options, selection=Selection(), no_default_groups=False, python=None)
    return tuple(
        replace(bare if name else options, environment=name) for name in environments_of(loaded.tool)
    )


def planned_all(
    project: Path,
    options: Options,
    reporter: Reporter,
    *,
    force: bool = False,
    compare: bool = False,
    resolving: Resolving | None = None,
) -> tuple[Planned, ...]:
    """All that ``generate`` would write, one item per environment; nothing is written.

    A module and an image are made for what can be a service: the project itself, and environments with a
    ``package`` or a ``service`` of their own.

    Raises: as :func:`uvlock2nix.app.planning.planned`.
    """
    every = each_environment(project, options)
    found = []
    for one in every:
        if len(every) > 1 and not _is_service(one):
            one = replace(one, extras=())
        found.append(planned(project, one, reporter, force=force, compare=compare, resolving=resolving))
    for folder in stale_folders(project, every[0]):
        reporter.note(f"{folder}: was generated for an environment that no longer exists; remove the folder")
    return tuple(found)


def _is_service(options: Options) -> bool:
    assert options.loaded is not None  # noqa: S101 - each_environment has loaded it
    if not options.environment and options.loaded.current is None:
        # The root of a workspace that is not a project itself.
        return "service" in options.loaded.tool
    return is_service(options.loaded.tool, options.environment or "")


def stale_folders(project: Path, options: Options) -> tuple[Path, ...]:
    """Folders of generated files that no longer belong to an environment of the project."""
    assert options.loaded is not None  # noqa: S101 - each_environment has loaded it
    lock = find_lock(project.resolve())
    place = lock.parent / folder_of(argument_of(lock))
    known = set(environments_of(options.loaded.tool))
    if not place.is_dir() or options.loaded.argument:
        # A project's folder may also contain those of its scripts.
        return ()
    named = {one.name for one in place.iterdir() if (one / PINS).is_file() and (one / PACKAGE).is_file()}
    scripts = {one.stem for one in lock.parent.glob("*.lock")} | {
        one.stem for one in lock.parent.glob("pylock.*")
    }
    scripts |= {folder_of(argument_of(one)).name for one in lock.parent.glob("*.lock")}
    stale = sorted(place / name for name in named - known - scripts)
    bare = [place] if "" not in known and (place / PINS).is_file() else []
    return (*bare, *stale)
