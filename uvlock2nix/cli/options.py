"""The options that say what is selected and for which target: the same on every command.

The names and their meaning are uv's; one difference: without a group flag the selection is what runs.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from uvlock2nix.config import Config, parse_config
from uvlock2nix.errors import UsageError
from uvlock2nix.lock import Environment, Project, Selection, load_project, resolve
from uvlock2nix.pythons import choose_python
from uvlock2nix.target import Target

F = TypeVar("F", bound=Callable[..., object])

SYSTEMS: Final = ("x86_64-linux", "aarch64-linux", "riscv64-linux", "x86_64-darwin", "aarch64-darwin")
_MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line and ``[tool.uvlock2nix]`` ask for, with the project read."""

    project: Project
    config: Config
    selection: Selection
    targets: tuple[Target, ...]
    notes: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """The target where one is meant: the first asked for."""
        return self.targets[0]

    def environment(self, target: Target | None = None) -> Environment:
        """The packages that uv would install for the selection on a target (default: the first)."""
        return resolve(self.project, self.selection, target or self.target)


def project_argument(function: F) -> F:
    """``[PROJECT]``: a directory with pyproject.toml and uv.lock, or a lock file of its own."""
    return click.argument("project", type=click.Path(path_type=Path), default=".", required=False)(function)


def selection_options(function: F) -> F:
    """uv's selection options."""
    many: dict[str, Any] = {"multiple": True, "metavar": "NAME"}
    options = [
        click.option("--package", **many, help="Select this workspace member (repeatable)."),
        click.option("--all-packages", is_flag=True, help="Select all workspace members."),
        click.option("--extra", **many, help="Include this extra (repeatable)."),
        click.option("--no-extra", **many, help="Leave this extra out, with --all-extras."),
        click.option("--all-extras", is_flag=True, help="Include all extras."),
        click.option("--group", **many, help="Include this dependency group (repeatable)."),
        click.option("--no-group", **many, help="Leave this dependency group out."),
        click.option("--only-group", **many, help="Only this group, without the project."),
        click.option("--all-groups", is_flag=True, help="Include all dependency groups."),
        click.option("--default-groups", is_flag=True, help="Add uv's default groups (`dev`)."),
    ]
    return _decorate(function, options)


def target_options(function: F) -> F:
    """Python and system."""
    options = [
        click.option("--python", metavar="VERSION", help="Python of the target, as 3.12 or 3.12.13."),
        click.option(
            "--system",
            multiple=True,
            metavar="SYSTEM",
            help="System of the target (repeatable), as x86_64-linux; default: this machine's.",
        ),
        click.option("--libc", metavar="NAME-VERSION", help="C library, as glibc-2.40 or musl-1.2."),
        click.option("--macos", metavar="VERSION", help="Oldest macOS of a darwin target."),
    ]
    return _decorate(function, options)


def _decorate(function: F, options: list[Callable[[Any], Any]]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def this_system() -> str:
    """The Nix system of this machine."""
    machine = platform.machine().lower()
    kernel = "darwin" if sys.platform == "darwin" else "linux"
    return f"{_MACHINES.get(machine, machine)}-{kernel}"


def selection_of(many: Callable[[str], tuple[str, ...]], flag: Callable[[str], bool]) -> Selection:
    """The selection from what each option of :func:`selection_options` says, asked for by its name."""
    return Selection(
        packages=many("package"),
        all_packages=flag("all-packages"),
        extras=many("extra"),
        no_extras=many("no-extra"),
        all_extras=flag("all-extras"),
        groups=many("group"),
        no_groups=many("no-group"),
        only_groups=many("only-group"),
        all_groups=flag("all-groups"),
        default_groups=flag("default-groups"),
    )


def request(project: Path, options: dict[str, Any]) -> Request:
    """Read the project and put flags over ``[tool.uvlock2nix]``; ``options`` are click's parameters."""
    loaded = load_project(project)
    config = parse_config(loaded.tool)

    def many(name: str) -> tuple[str, ...]:
        given: tuple[str, ...] = options[name.replace("-", "_")]
        return given or config.strings_of(name)

    def flag(name: str) -> bool:
        return bool(options[name.replace("-", "_")]) or config.flag(name)

    selection = selection_of(many, flag)
    python, note = choose_python(options["python"] or config.string("python"), loaded)
    systems = many("system") or (this_system(),)
    unknown = [system for system in systems if system not in SYSTEMS]
    if unknown:
        raise UsageError(
            f"--system: {', '.join(unknown)} is not a system that uvlock2nix knows",
            hint=f"the systems are: {', '.join(SYSTEMS)}",
        )
    targets = tuple(
        Target.parse(
            system=system,
            python=python,
            libc=(options["libc"] or config.string("libc")) if system.endswith("-linux") else None,
            macos=(options["macos"] or config.string("macos")) if system.endswith("-darwin") else None,
        )
        for system in dict.fromkeys(systems)
    )
    return Request(loaded, config, selection, targets, notes=(*loaded.warnings, *((note,) if note else ())))
