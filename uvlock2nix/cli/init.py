"""``uvlock2nix init``: everything that Nix needs for a project that uv has locked."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import click

from uvlock2nix.app.init import Found, InitOptions, look, untracked, with_extras, write
from uvlock2nix.app.planning import on_plan
from uvlock2nix.app.request import Options
from uvlock2nix.app.state import state_of
from uvlock2nix.app.update_hash import HashOptions, update
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.emit.flake import FLAKE_URL, NIXPKGS_URL
from uvlock2nix.errors import Uvlock2nixError


@click.command("init", cls=GroupedCommand)
@project_argument
@request_options()
@click.option("--module", is_flag=True, help="Also write a NixOS module; see [tool.uvlock2nix.service].")
@click.option("--image", is_flag=True, help="Also write a container image.")
@click.option("--gitignore", is_flag=True, help="Add what Nix leaves behind to .gitignore.")
@click.option("--envrc", is_flag=True, help="Write .envrc for direnv.")
@click.option("--flake-url", default=FLAKE_URL, show_default=True, metavar="URL", help="Flake of uvlock2nix.")
@click.option(
    "--nixpkgs-url", default=NIXPKGS_URL, show_default=True, metavar="URL", help="Flake of nixpkgs."
)
@click.option(
    "--no-hash", is_flag=True, help="Do not build; `uvlock2nix update-hash` computes the hash later."
)
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(
    project: Path,
    options: Options,
    module: bool,
    image: bool,
    gitignore: bool,
    envrc: bool,
    flake_url: str,
    nixpkgs_url: str,
    no_hash: bool,
    force: bool,
    yes: bool,
) -> None:
    """Write flake.nix, the generated files and [tool.uvlock2nix] of PROJECT; make the hash where Nix is."""
    options = with_extras(options, module=module, image=image)
    how = InitOptions(flake_url, nixpkgs_url, gitignore, envrc, force)
    with TerminalReporter() as reporter:
        found = look(project, options, how, reporter)
        _show(found)
        for note in on_plan(found.planned):
            reporter.note(note)
        if not yes and sys.stdin.isatty() and not click.confirm("Write them?", default=True, err=True):
            click.echo("nothing was written", err=True)
            return
        written = write(found, how)
        for path in written:
            click.echo(f"wrote {path.relative_to(found.root)}")
        if found.to_add:
            click.echo(f"flake.nix already exists; add to it:\n\n{found.to_add}\n", err=True)
        hashed = not no_hash and _hash(project, options, reporter)
    _next(found, written, hashed=hashed)


def _show(found: Found) -> None:
    plan = found.planned.plan
    counts = Counter(one.class_ for one in plan.systems[0].classes)
    shown = ", ".join(f"{count} {class_}" for class_, count in sorted(counts.items()))
    systems = ", ".join(one.system for one in plan.systems)
    click.echo(f"found {plan.name}: Python {plan.python}, {systems}: {shown}", err=True)
    names = ", ".join(str(path.relative_to(found.root)) for path in found.paths)
    click.echo(f"to write: {names or 'nothing'}", err=True)


def _hash(project: Path, options: Options, reporter: TerminalReporter) -> bool:
    """Make the hash where Nix is; a failure leaves what was written, and is a note."""
    if shutil.which("nix-build") is None:
        return False
    try:
        update(state_of(project, options, reporter), HashOptions(), reporter)
    except Uvlock2nixError as error:
        reporter.note(f"the hash was not computed: {error.message}")
        return False
    return True


def _next(found: Found, written: tuple[Path, ...], *, hashed: bool) -> None:
    steps = []
    names = untracked(found.root, written)
    if names:
        steps.append("git add -N " + " ".join(dict.fromkeys(name.partition("/")[0] for name in names)))
    if not hashed:
        steps.append("uvlock2nix update-hash")
    steps.append("nix build")
    click.echo("next: " + "; ".join(steps), err=True)
