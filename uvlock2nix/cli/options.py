"""The options for the selection and the target, the same for every command.

Names and meanings are uv's, with one difference: without a group flag, no dependency group is included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from uvlock2nix.cli.decorated import decorated
from uvlock2nix.flags import selection_of
from uvlock2nix.lock import Selection

F = TypeVar("F", bound=Callable[..., object])

FROM_NIXPKGS: Final = "Which packages may come from nixpkgs."
_MANY: Final = {
    "package": "Select this workspace member (repeatable).",
    "extra": "Include this extra (repeatable).",
    "no-extra": "Exclude this extra, with --all-extras (repeatable).",
    "group": "Include this dependency group (repeatable).",
    "no-group": "Exclude this dependency group (repeatable).",
    "only-group": "Select only this dependency group, without the project (repeatable).",
}
_FLAGS: Final = {
    "all-packages": "Select all workspace members.",
    "all-extras": "Include all extras.",
    "all-groups": "Include all dependency groups.",
    "only-dev": "Select only the group `dev`, without the project.",
}
# Each option has its opposite, as in uv: the last one given wins.
_PAIRS: Final = {
    "default-groups": "Include uv's default groups (`dev`).",
    "dev": "Include the dependency group `dev`.",
}
_ORDER: Final = (
    "package", "all-packages", "extra", "no-extra", "all-extras", "group", "no-group", "only-group",
    "all-groups", "default-groups", "dev", "only-dev",
)  # fmt: skip


def project_argument(function: F) -> F:
    """``[PROJECT]``: a directory with pyproject.toml and uv.lock, or a lock file such as pylock.toml."""
    return click.argument("project", type=click.Path(path_type=Path), default=".", required=False)(function)


def upgrade_option(function: F) -> F:
    """``--upgrade-build-requirements``: resolve again what the pins lock."""
    return click.option(
        "--upgrade-build-requirements",
        "upgrade",
        is_flag=True,
        help="Resolve the build requirements of all packages again, not only of those that changed.",
    )(function)


def selection_options(function: Callable[..., object]) -> Callable[..., object]:
    """Add uv's selection options; the command gets them together as ``selection``."""

    @functools.wraps(function)
    def command(**values: Any) -> object:
        return function(selection=_selection(_taken(values)), **values)

    return decorated(command, [_selection_option(name) for name in _ORDER])


def _taken(values: dict[str, Any]) -> dict[str, Any]:
    """Remove the selection options from a command's parameters and return them."""
    return {name: values.pop(name.replace("-", "_")) for name in _ORDER}


def _selection_option(name: str) -> Callable[[Any], Any]:
    if name in _MANY:
        return click.option(f"--{name}", multiple=True, metavar="NAME", help=_MANY[name])
    if name in _PAIRS:
        return click.option(
            f"--{name}/--no-{name}", default=None, show_default=f"no-{name}", help=_PAIRS[name]
        )
    return click.option(f"--{name}", is_flag=True, help=_FLAGS[name])


def _selection(taken: dict[str, Any]) -> Selection:
    given = {**taken, "no-dev": taken["dev"] is False}
    return selection_of(lambda name: tuple(given[name]), lambda name: bool(given[name]))


def request_options(
    help_from_nixpkgs: str = FROM_NIXPKGS,
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Add selection, target and ``--from-nixpkgs``; the command gets them together as ``options``."""
    from uvlock2nix.app.request import Options
    from uvlock2nix.classify.policy import LEVELS

    def decorate(function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def command(
            *,
            python: str | None,
            system: tuple[str, ...],
            libc: str | None,
            macos: str | None,
            from_nixpkgs: str | None,
            environment: str | None,
            **values: Any,
        ) -> object:
            taken = _taken(values)
            options = Options(
                selection=_selection(taken),
                no_default_groups=taken["default-groups"] is False,
                systems=tuple(system),
                python=python,
                libc=libc,
                macos=macos,
                from_nixpkgs=from_nixpkgs,
                environment="" if environment == "default" else environment,
            )
            return function(options=options, **values)

        level = click.option(
            "--from-nixpkgs", type=click.Choice(LEVELS), show_default="native", help=help_from_nixpkgs
        )
        selecting = [_selection_option(name) for name in _ORDER]
        return decorated(command, [*selecting, *_target_options(), level, environment_option])

    return decorate


def environment_option(function: F) -> F:
    """``--environment``: an environment that pyproject.toml names."""
    return click.option(
        "--environment",
        metavar="NAME",
        help="An environment of [tool.uvlock2nix.environments]; `default` is the unnamed environment.",
    )(function)


def _target_options() -> list[Callable[[Any], Any]]:
    """Python and system."""
    return [
        click.option(
            "--python",
            metavar="VERSION",
            show_default="uv's choice",
            help="Python version of the target, such as 3.12 or 3.12.13.",
        ),
        click.option(
            "--system",
            multiple=True,
            metavar="SYSTEM",
            show_default="this machine",
            help="System of the target, such as x86_64-linux (repeatable).",
        ),
        click.option(
            "--libc",
            metavar="NAME-VERSION",
            show_default="the system's",
            help="C library of the target, such as glibc-2.40 or musl-1.2.",
        ),
        click.option(
            "--macos",
            metavar="VERSION",
            show_default="the system's",
            help="Oldest macOS version of a darwin target.",
        ),
    ]
