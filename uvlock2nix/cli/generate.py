"""``uvlock2nix generate``: write the Nix files of a project."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import click

from uvlock2nix.app.files import Generated, write_all
from uvlock2nix.app.planning import Planned, Resolving, on_collisions, on_plan, planned
from uvlock2nix.app.remembered import command_line
from uvlock2nix.app.request import Options
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options, upgrade_option
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.emit.attributes import STANDALONE
from uvlock2nix.emit.common import folder_of
from uvlock2nix.errors import CheckFailed
from uvlock2nix.modes import MODES, Mode


@click.command("generate", cls=GroupedCommand)
@project_argument
@request_options()
@click.option(
    "--mode",
    type=click.Choice(MODES),
    show_default="sync",
    help="How deps is made: with a single hash, or with a hash for each file.",
)
@click.option("--module", is_flag=True, help="Also write a NixOS module; see [tool.uvlock2nix.service].")
@click.option("--image", is_flag=True, help="Also write a container image.")
@click.option("--standalone", is_flag=True, help="Also write what the files need of uvlock2nix.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited or not generated.")
@click.option("--diff", is_flag=True, help="Show what would change, without writing.")
@click.option("--check", is_flag=True, help="Only compare: exit 1 if a file is out of date.")
@upgrade_option
def command(
    project: Path,
    options: Options,
    mode: Mode | None,
    module: bool,
    image: bool,
    standalone: bool,
    force: bool,
    diff: bool,
    check: bool,
    upgrade: bool,
) -> None:
    """Write nix/python-deps.nix, python-env.nix, package.nix and python-deps.json of PROJECT."""
    asked = (("module", module), ("image", image), ("standalone", standalone))
    extras = tuple(name for name, on in asked if on)
    options = replace(options, extras=extras, mode=mode)
    with TerminalReporter() as reporter:
        resolving = Resolving(missing=not check, upgrade=upgrade)
        compare = diff or check
        found = planned(project, options, reporter, force=force, compare=compare, resolving=resolving)
        if diff or check:
            _compare(found, command_line("generate", options, project), diff=diff, check=check)
            return
        again = command_line("generate", options, project)
        _show(found, write_all(found.files, force=force, command=again), reporter)
        for note in on_collisions(found):
            reporter.note(note)
        if found.changed and found.plan.mode == "sync":
            click.echo(f"next: {command_line('update-hash', Options(), project)}", err=True)


def _compare(found: Planned, command: str, *, diff: bool, check: bool) -> None:
    for one in found.changed:
        if diff:
            click.echo(_diff(one), nl=False)
    if check and found.changed:
        names = ", ".join(str(one.path.relative_to(found.root)) for one in found.changed)
        raise CheckFailed(f"out of date: {names}", hint=f"run `{command}`")


def _diff(one: Generated) -> str:
    import difflib

    return "".join(
        difflib.unified_diff(
            (one.old or "").splitlines(keepends=True),
            one.text.splitlines(keepends=True),
            str(one.path),
            f"{one.path} (new)",
        )
    )


def _show(found: Planned, written: tuple[Path, ...], reporter: TerminalReporter) -> None:
    plan = found.plan
    ours = found.root / folder_of(plan.argument) / STANDALONE
    for path in written:
        if ours not in path.parents:
            click.echo(f"wrote {path.relative_to(found.root)}")
    if count := sum(ours in path.parents for path in written):
        click.echo(f"wrote {ours.relative_to(found.root)} ({count} files)")
    if not written:
        click.echo("all files are up to date")
    counts = Counter(one.class_ for one in plan.systems[0].classes)
    shown = ", ".join(f"{count} {class_}" for class_, count in sorted(counts.items()))
    systems = ", ".join(one.system for one in plan.systems)
    click.echo(f"{plan.name}: Python {plan.python}, {systems}: {shown}", err=True)
    for note in on_plan(found):
        reporter.note(note)
