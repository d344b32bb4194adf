"""``uvlock2nix init``: write everything that Nix needs for a project with a uv.lock."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from uvlock2nix.app.environments import each_environment
from uvlock2nix.app.init import Found, InitOptions, look, own_flake, with_extras, write
from uvlock2nix.app.planning import on_plan
from uvlock2nix.app.request import Options
from uvlock2nix.app.state import state_of
from uvlock2nix.app.tracking import left_out, to_track
from uvlock2nix.app.update_hash import HashOptions, update
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.cli.summary import summary
from uvlock2nix.emit.flake import NIXPKGS_URL
from uvlock2nix.errors import UsageError, Uvlock2nixError


@click.command("init", cls=GroupedCommand)
@project_argument
@request_options()
@click.option("--module", is_flag=True, help="Also write a NixOS module; see [tool.uvlock2nix.service].")
@click.option("--image", is_flag=True, help="Also write a container image.")
@click.option("--standalone", is_flag=True, help="Also write the parts of uvlock2nix that the files need.")
@click.option("--gitignore", is_flag=True, help="Add Nix's result links to .gitignore.")
@click.option("--envrc", is_flag=True, help="Write .envrc for direnv.")
@click.option(
    "--uvlock2nix",
    "--flake-url",
    "flake_url",
    metavar="URL",
    show_default="the checkout that runs, if it is one",
    help="Flake reference of uvlock2nix.",
)
@click.option(
    "--nixpkgs-url", default=NIXPKGS_URL, show_default=True, metavar="URL", help="Flake reference of nixpkgs."
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
    standalone: bool,
    gitignore: bool,
    envrc: bool,
    flake_url: str | None,
    nixpkgs_url: str,
    no_hash: bool,
    force: bool,
    yes: bool,
) -> None:
    """Write flake.nix, generated files and [tool.uvlock2nix] of PROJECT; compute the hash with Nix."""
    options = with_extras(options, module=module, image=image, standalone=standalone)
    asking = not yes and sys.stdin.isatty()
    with TerminalReporter() as reporter:
        if standalone and flake_url is not None:
            raise UsageError(
                "--standalone and --uvlock2nix cannot be used together: --standalone needs no such input",
                hint="leave one of them out",
            )
        url = None if standalone else _flake(flake_url, reporter, asking=asking)
        how = InitOptions(url, nixpkgs_url, gitignore, envrc, force)
        found = look(project, options, how, reporter)
        _show(found)
        notes = [note for one in found.everything for note in on_plan(one)]
        notes += left_out(found.root, [one.plan for one in found.everything])
        for note in dict.fromkeys(notes):
            reporter.note(note)
        if asking and not click.confirm("Write them?", default=True, err=True):
            click.echo("nothing was written", err=True)
            return
        written = write(found, how)
        for path in written:
            click.echo(f"wrote {path.relative_to(found.root)}")
        if found.to_add:
            click.echo(f"flake.nix already exists; add to it:\n\n{found.to_add}\n", err=True)
        hashed = not no_hash and _hash(project, options, reporter)
    _next(found, written, hashed=hashed)


def _flake(given: str | None, reporter: TerminalReporter, *, asking: bool) -> str:
    """The flake reference of uvlock2nix: the given one, this checkout, or what the user answers.

    There is no default, because there is no address that works for everyone.
    """
    if given is not None:
        return given
    here = own_flake()
    if here is not None:
        reporter.note(
            f"flake.nix takes uvlock2nix from {here}, which exists on this machine only; see --uvlock2nix"
        )
        return here
    if asking:
        return str(click.prompt("the flake of uvlock2nix, such as github:OWNER/uvlock2nix", err=True))
    raise UsageError(
        "flake.nix needs the flake reference of uvlock2nix, which an installed uvlock2nix does not know",
        hint="pass it: --uvlock2nix github:OWNER/uvlock2nix, or the path or git URL of a checkout",
    )


def _show(found: Found) -> None:
    for one in found.everything:
        click.echo(f"found {summary(one.plan)}", err=True)
    names = ", ".join(str(path.relative_to(found.root)) for path in found.paths)
    click.echo(f"to write: {names or 'nothing'}", err=True)


def _hash(project: Path, options: Options, reporter: TerminalReporter) -> bool:
    """Compute the hash if Nix is installed; a failure keeps the written files and is only a note."""
    if shutil.which("nix-build") is None:
        return False
    try:
        for one in each_environment(project, options):
            update(state_of(project, one, reporter), HashOptions(), reporter)
    except Uvlock2nixError as error:
        reporter.note(f"the hash was not computed: {error.message}")
        return False
    return True


def _next(found: Found, written: tuple[Path, ...], *, hashed: bool) -> None:
    steps = to_track(found.root, written, [one.plan for one in found.everything])
    if not hashed and found.planned.plan.mode == "sync":
        steps.append("uvlock2nix update-hash")
    environment = found.planned.plan.environment
    steps.append(f"nix build .#{environment}" if environment else "nix build")
    click.echo("next: " + "; ".join(steps), err=True)
