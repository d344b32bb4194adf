"""A request: the options of a command over ``[tool.uvlock2nix]``, and the project."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from uvlock2nix.app.index import nixpkgs_python
from uvlock2nix.config import Config, parse_config
from uvlock2nix.environments import tool_of
from uvlock2nix.errors import UsageError
from uvlock2nix.flags import selection_of
from uvlock2nix.lock import Environment, Project, Selection, load_project, resolve
from uvlock2nix.lock.selection import EXCLUSIVE
from uvlock2nix.modes import Mode, mode_of
from uvlock2nix.pythons import choose_python
from uvlock2nix.target import SYSTEMS, Target, is_darwin, is_linux, this_system


@dataclass(frozen=True, slots=True)
class Options:
    """The options as given; an empty value means that nothing was given.

    ``no_default_groups`` overrides ``[tool.uvlock2nix]``; without any option it is the default. ``extras``
    are the additional files, by their names in ``app.extras.EXTRAS``. ``environment`` is ``""`` for the
    unnamed environment and None if none was given. ``loaded`` is the project, if it was read before.
    """

    selection: Selection = field(default_factory=Selection)
    no_default_groups: bool = False
    systems: tuple[str, ...] = ()
    python: str | None = None
    libc: str | None = None
    macos: str | None = None
    from_nixpkgs: str | None = None
    extras: tuple[str, ...] = ()
    mode: Mode | None = None
    environment: str | None = None
    loaded: Project | None = field(default=None, compare=False, repr=False)

    @property
    def selects(self) -> bool:
        """Whether any selection option is given."""
        return self.no_default_groups or self.selection != Selection()


class Request(NamedTuple):
    """Options and ``[tool.uvlock2nix]`` put together, with the project read."""

    project: Project
    config: Config
    selection: Selection
    targets: tuple[Target, ...]
    from_nixpkgs: str | None = None
    mode: Mode = "sync"
    notes: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """The first requested target."""
        return self.targets[0]

    def environment(self, target: Target | None = None) -> Environment:
        """The packages that uv would install for the selection on ``target``."""
        return resolve(self.project, self.selection, target or self.target)


def request(
    project: Path, options: Options, *, before: Options | None = None, more_systems: tuple[str, ...] = ()
) -> Request:
    """Read the project and put ``options`` over ``[tool.uvlock2nix]``.

    ``before`` are the options that the files on disk were made with: they hold if none are given now.
    ``more_systems`` are added.

    Raises:
        InputError, ProjectError: the project or its lock cannot be read.
        UsageError: an option, or the table, names something that does not exist.
    """
    loaded = options.loaded or load_project(project)
    environment = options.environment or ""
    tool = tool_of(loaded.tool, environment)
    loaded = loaded._replace(tool=tool, environment=environment)
    config = parse_config(tool, environment)
    before = before or Options()
    python, note = choose_python(
        options.python or config.string("python"), loaded, before.python, nixpkgs_python
    )
    systems = (
        *(options.systems or config.strings_of("system") or before.systems or (this_system(),)),
        *more_systems,
    )
    unknown = [system for system in systems if system not in SYSTEMS]
    if unknown:
        raise UsageError(
            f"--system: unsupported: {', '.join(unknown)}",
            hint=f"the supported systems are {', '.join(SYSTEMS)}",
        )
    targets = tuple(
        Target.parse(
            system=system,
            python=python,
            libc=(options.libc or config.string("libc") or before.libc) if is_linux(system) else None,
            macos=(options.macos or config.string("macos") or before.macos) if is_darwin(system) else None,
        )
        for system in dict.fromkeys(systems)
    )
    return Request(
        project=loaded,
        config=config,
        selection=_over(options, config),
        targets=targets,
        from_nixpkgs=options.from_nixpkgs or config.string("from-nixpkgs"),
        mode=options.mode or mode_of(config) or "sync",
        notes=(*loaded.warnings, *((note,) if note else ())),
    )


def in_member(options: Options, asked: Request) -> Options:
    """The options in a form independent of the folder: for a workspace member, its name is added.

    Otherwise, files generated there would later be compared with the workspace's selection.
    """
    project, selection = asked.project, asked.selection
    root = project.pyproject.name if project.pyproject else None
    if project.current in (None, root) or selection.packages or selection.all_packages:
        return options
    return replace(options, selection=options.selection._replace(packages=(str(project.current),)))


def _over(options: Options, config: Config) -> Selection:
    """The given selection over the table's, option by option; opposites replace each other."""
    given, said = options.selection, selection_of(config.strings_of, config.flag)
    hidden = {second for first, second in EXCLUSIVE if getattr(given, first)}
    hidden |= {first for first, second in EXCLUSIVE if getattr(given, second)}
    if options.no_default_groups:
        hidden.add("default_groups")
    names = Selection._fields
    kept = {name: getattr(given, name) or (name not in hidden and getattr(said, name)) for name in names}
    return Selection(**{name: value or getattr(Selection(), name) for name, value in kept.items()})
