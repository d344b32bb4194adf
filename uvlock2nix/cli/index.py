"""``uvlock2nix index``: which nixpkgs the classification compares with, and how to make it exact."""

from __future__ import annotations

from pathlib import Path

import click

from uvlock2nix.app.index import IndexOptions, index_in_use, update_index
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument
from uvlock2nix.cli.reporter import TerminalReporter


@click.group("index")
def command() -> None:
    """The nixpkgs index: which Python packages a nixpkgs has, in which version."""


@command.command("show", cls=GroupedCommand)
@project_argument
def show(project: Path) -> None:
    """Show which index is used for PROJECT."""
    used = index_in_use(project)
    click.echo(used.index.describe())
    click.echo(f"file: {used.file if used.file is not None else 'shipped with uvlock2nix'}")
    for python, rows in sorted(used.index.sets.items()):
        click.echo(f"Python {python}: {len(rows)} packages")
    for caveat in used.index.caveats:
        click.echo(f"limit: {caveat}")
    if used.file is None:
        click.echo("`uvlock2nix index update` creates an exact index of the project's nixpkgs")
    elif not used.exact:
        click.echo("the project pins a different nixpkgs: `uvlock2nix index update` creates its index")


@command.command("update", cls=GroupedCommand)
@project_argument
@click.option(
    "--nixpkgs",
    metavar="PATH|FLAKEREF",
    show_default="flake.lock, else <nixpkgs>",
    help="The nixpkgs to evaluate.",
)
@click.option(
    "--channel", metavar="NAME|URL|FILE", help="Read a channel's packages.json.br instead, without Nix."
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="3.13",
    show_default="the project's",
    help="Python package set to read (repeatable).",
)
@click.option("--system", metavar="SYSTEM", show_default="this machine", help="The system to evaluate for.")
def update(
    project: Path, nixpkgs: str | None, channel: str | None, pythons: tuple[str, ...], system: str | None
) -> None:
    """Create the exact index, of the project's nixpkgs with Nix or of a channel over HTTP."""
    with TerminalReporter() as reporter:
        made = update_index(project, IndexOptions(nixpkgs, channel, pythons, system), reporter)
    for key, count in sorted(made.counts.items()):
        click.echo(f"Python {key[0]}.{key[1:]}: {count} packages")
    click.echo(f"written: {made.path}")
