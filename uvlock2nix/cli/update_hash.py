"""``uvlock2nix update-hash``: update the hash, with one build."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from uvlock2nix.app.commit_message import commit_message
from uvlock2nix.app.environments import each_environment
from uvlock2nix.app.planning import Resolving
from uvlock2nix.app.request import Options
from uvlock2nix.app.state import State, state_of
from uvlock2nix.app.timings import Timings
from uvlock2nix.app.update_file import FileChange, FileOptions, update_file
from uvlock2nix.app.update_hash import Change, HashOptions, check_states, update
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options, upgrade_option
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.errors import UsageError

SCHEMA: Final = "uvlock2nix/update-hash/1"


@dataclass(frozen=True, slots=True)
class Updated:
    """An environment, what was done for it, and the files that were written."""

    state: State
    changes: tuple[Change, ...]
    written: tuple[Path, ...]


@click.command("update-hash", cls=GroupedCommand)
@project_argument
@request_options()
@click.option("--all-systems", is_flag=True, help="Update every system that the files were generated for.")
@click.option(
    "--nixpkgs",
    metavar="PATH|FLAKEREF",
    show_default="flake.lock, else <nixpkgs>",
    help="The nixpkgs to build with.",
)
@click.option("--no-nix", is_flag=True, help="Compute the hash without Nix; for environments of wheels only.")
@click.option(
    "--attr",
    metavar="A.B",
    default="",
    show_default=False,
    help="With FILE.nix: the attribute path of the derivation.",
)
@click.option("--check", is_flag=True, help="Only compare: exit 1 if something is out of date.")
@upgrade_option
@click.option(
    "--commit-message", "message", is_flag=True, help="Print a commit message that lists what changed."
)
@click.option("--timings", "timed", is_flag=True, help="Report how long each step took.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    project: Path,
    options: Options,
    all_systems: bool,
    nixpkgs: str | None,
    no_nix: bool,
    attr: str,
    check: bool,
    upgrade: bool,
    message: bool,
    timed: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Update the hash of PROJECT's deps with one build; or the hash in PROJECT if it is a FILE.nix."""
    how = HashOptions(nixpkgs=nixpkgs, no_nix=no_nix, all_systems=all_systems, quiet=quiet)
    with TerminalReporter(quiet=quiet) as reporter:
        if project.suffix == ".nix":
            _only_for_projects(
                {
                    "--no-nix": no_nix,
                    "--all-systems": all_systems,
                    "--commit-message": message,
                    "--timings": timed,
                }
            )
            system = options.systems[0] if options.systems else None
            change = update_file(project, FileOptions(attr, system, nixpkgs, check), reporter)
            _show_file(project, change, as_json=as_json)
            return
        if attr:
            raise UsageError("--attr works only with a FILE.nix", hint="a project has a single deps")
        resolving, timings = None if check else Resolving(upgrade=upgrade), Timings()
        with timings.part("reading and classifying"):
            states = [
                state_of(project, one, reporter, all_systems=all_systems, resolving=resolving)
                for one in each_environment(project, options)
            ]
        if check:
            check_states(states)
            click.echo("up to date")
            return
        updated = [Updated(state, *update(state, how, reporter, timings)) for state in states]
        if timed:
            reporter.note(timings.words())
    if message:
        changes = tuple(change for one in updated for change in one.changes)
        click.echo(commit_message(states[0], changes), nl=False)
    elif as_json:
        click.echo(_json(updated))
    else:
        _show(updated)


def _only_for_projects(given: Mapping[str, bool]) -> None:
    for flag, on in given.items():
        if on:
            raise UsageError(f"{flag} works with a project, not with a FILE.nix")


def _show(updated: Sequence[Updated]) -> None:
    plan = updated[0].state.plan
    for one in updated:
        for change in one.changes:
            count = change.builds
            builds = "no build" if count == 0 else f"{count} build{'s' if count > 1 else ''}"
            how = "computed without Nix" if change.how == "computed" else builds
            of = f"{one.state.plan.environment} on " if one.state.plan.environment else ""
            click.echo(f"{of}{change.system}: {change.new} ({how}, {change.seconds:.1f} s)")
    if plan.mode == "files":
        click.echo("nothing to do: in mode `files` each file has its hash from the lock")
    elif not any(one.written for one in updated):
        click.echo("up to date")
    elif not any(one.changes for one in updated):
        click.echo(f"the hash is unchanged; recorded the new {plan.lock_name} in the pins")
    for one in updated:
        for path in one.written:
            click.echo(f"wrote {path.relative_to(one.state.root)}", err=True)


def _json(updated: Sequence[Updated]) -> str:
    files = [str(path.relative_to(one.state.root)) for one in updated for path in one.written]
    named = {one.state.plan.environment: _systems(one.changes) for one in updated}
    return _result(
        bool(files), files, named.pop("", {}), {name: found for name, found in named.items() if found}
    )


def _systems(changes: Sequence[Change]) -> dict[str, object]:
    return {
        one.system: _system(one.old or None, one.new, one.how, one.builds, one.seconds) for one in changes
    }


def _system(old: str | None, new: str, how: str, builds: int, seconds: float) -> dict[str, object]:
    return {"old": old, "new": new, "how": how, "builds": builds, "seconds": round(seconds, 3)}


def _result(
    changed: bool,
    files: list[str],
    systems: Mapping[str, object],
    environments: Mapping[str, object] | None = None,
) -> str:
    more = {"environments": environments} if environments else {}
    value = {"schema": SCHEMA, "changed": changed, "files": files, "systems": systems, **more}
    return json.dumps(value, indent=2, sort_keys=True)


def _show_file(path: Path, change: FileChange, *, as_json: bool) -> None:
    if as_json:
        facts = _system(change.old.sri, change.new.sri, "built", change.builds, change.seconds)
        files = [str(path)] if change.changed else []
        click.echo(_result(change.changed, files, {change.system: facts}))
    elif change.changed:
        click.echo(f"{change.where}: {change.name} = {change.new.sri}")
    else:
        click.echo("up to date")
