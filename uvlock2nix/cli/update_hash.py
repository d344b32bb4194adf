"""``uvlock2nix update-hash``: make the hash right, with one build."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from uvlock2nix.app.collisions import notes
from uvlock2nix.app.commit_message import commit_message
from uvlock2nix.app.state import State, state_of
from uvlock2nix.app.update_hash import Change, Ways, check_state, update
from uvlock2nix.classify.policy import LEVELS
from uvlock2nix.cli.interrupt import ending_on_sigterm
from uvlock2nix.cli.options import project_argument, selection_options, target_options, this_system
from uvlock2nix.cli.progress import Progress
from uvlock2nix.errors import CheckFailed, UsageError
from uvlock2nix.nixrun.build import Nix, find_hash
from uvlock2nix.nixrun.file import find_target, write_target
from uvlock2nix.nixrun.nixpkgs import find_nixpkgs
from uvlock2nix.nixrun.runner import SystemRunner
from uvlock2nix.pins import read_pins
from uvlock2nix.resources import nix_dir

SCHEMA: Final = "uvlock2nix/update-hash/1"


@click.command(name="update-hash")
@project_argument
@selection_options
@target_options
@click.option("--from-nixpkgs", type=click.Choice(LEVELS), help="Which packages may come from nixpkgs.")
@click.option("--all-systems", is_flag=True, help="All systems that the files were generated for.")
@click.option("--nixpkgs", metavar="PATH|FLAKEREF", help="The nixpkgs to build with.")
@click.option("--no-nix", is_flag=True, help="Compute the hash without Nix (wheels only).")
@click.option("--attr", metavar="A.B", default="", help="With FILE.nix: the derivation inside it.")
@click.option("--check", is_flag=True, help="Only compare: exit 1 and say what is out of date.")
@click.option("--commit-message", "message", is_flag=True, help="Print a commit message with what changed.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(project: Path, **options: Any) -> None:
    """Make the hash of PROJECT's deps right, with one build; or the one in PROJECT when it is a FILE.nix."""
    with ending_on_sigterm():
        if project.suffix == ".nix":
            _file(project, options)
        else:
            _project(project, options)


def _project(project: Path, options: dict[str, Any]) -> None:
    if options["attr"]:
        raise UsageError("--attr goes with a FILE.nix", hint="a project has one deps, no attribute to choose")
    state = state_of(project, options, options["from_nixpkgs"], all_systems=options["all_systems"])
    if options["check"]:
        check_state(state)
        click.echo("up to date")
        return
    ways = Ways(
        nixpkgs=options["nixpkgs"],
        no_nix=options["no_nix"],
        all_systems=options["all_systems"],
        quiet=options["quiet"],
    )
    with Progress(quiet=options["quiet"]) as progress:
        changes, written = update(state, ways, progress)
    for text in notes(read_pins(state.paths.pins), dict(state.keys), state.plan.members):
        click.echo(f"note: {text}", err=True)
    for system in _left(state, changes):
        click.echo(f"note: the hash of {system} is out of date too: --system {system}", err=True)
    if options["message"]:
        click.echo(commit_message(state, changes), nl=False)
    elif options["as_json"]:
        click.echo(_json(state, changes, written))
    else:
        _tell(state, changes, written)


def _left(state: State, changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Systems that were not asked about and whose hash is not right either."""
    done = {one.system for one in changes} | set(state.wanted)
    return tuple(
        system
        for system, key in state.keys.items()
        if system not in done and ((pin := state.pins.pin(system)) is None or not pin.key.startswith(key))
    )


def _tell(state: State, changes: tuple[Change, ...], written: tuple[Path, ...]) -> None:
    for one in changes:
        builds = "no build" if one.builds == 0 else f"{one.builds} build{'s' if one.builds > 1 else ''}"
        how = "computed without Nix" if one.how == "computed" else builds
        click.echo(f"{one.system}: {one.new} ({how}, {one.seconds:.1f} s)")
    if not written:
        click.echo("up to date")
    elif not changes:
        click.echo(f"the hash is right as it is; {state.plan.lock_name} is another, which the pins now say")
    for path in written:
        click.echo(f"wrote {path.relative_to(state.root)}", err=True)


def _json(state: State, changes: tuple[Change, ...], written: tuple[Path, ...]) -> str:
    systems: Mapping[str, object] = {
        one.system: {
            "old": one.old or None,
            "new": one.new,
            "how": one.how,
            "builds": one.builds,
            "seconds": round(one.seconds, 3),
        }
        for one in changes
    }
    value = {
        "schema": SCHEMA,
        "changed": bool(written),
        "files": [str(path.relative_to(state.root)) for path in written],
        "systems": systems,
    }
    return json.dumps(value, indent=2, sort_keys=True)


def _file(path: Path, options: dict[str, Any]) -> None:
    """A literal hash in somebody's Nix file."""
    for name in ("no_nix", "all_systems", "message"):
        if options[name]:
            flag = {"message": "--commit-message"}.get(name, f"--{name.replace('_', '-')}")
            raise UsageError(f"{flag} goes with a project, not with a FILE.nix")
    system = options["system"][0] if options["system"] else this_system()
    start = time.monotonic()
    with Progress(quiet=options["quiet"]) as progress:
        nix = Nix(SystemRunner(), on_status=progress)
        # A file that brings its own nixpkgs needs none of ours.
        source = find_nixpkgs(options["nixpkgs"], path.parent, optional=True)
        target = find_target(nix, path, options["attr"], source, nix_dir(), system)
        built = find_hash(nix, target.evaluate)
    where = f"{path}:{target.literal.line}"
    changed = built.hash != target.current or target.literal.placeholder
    if options["check"]:
        if changed:
            raise CheckFailed(f"{where}: the hash should be {built.hash.sri}", hint="run it without --check")
    elif changed:
        write_target(target, built.hash)
    if options["as_json"]:
        value = {
            "schema": SCHEMA,
            "changed": changed,
            "files": [str(path)] if changed else [],
            "systems": {
                system: {
                    "old": target.current.sri,
                    "new": built.hash.sri,
                    "how": "built",
                    "builds": built.builds,
                    "seconds": round(time.monotonic() - start, 3),
                }
            },
        }
        click.echo(json.dumps(value, indent=2, sort_keys=True))
    elif changed:
        click.echo(f"{where}: {target.literal.name} = {built.hash.sri}")
    else:
        click.echo("up to date")
