"""``uvlock2nix generate``: write the Nix files of a project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from uvlock2nix.app.environments import planned_all
from uvlock2nix.app.files import Generated, write_all
from uvlock2nix.app.new_pins import needs_hash
from uvlock2nix.app.planning import Planned, Resolving, on_collisions, on_plan
from uvlock2nix.app.remembered import command_line
from uvlock2nix.app.request import Options
from uvlock2nix.app.tracking import left_out, to_track
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options, upgrade_option
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.cli.summary import summary
from uvlock2nix.emit.attributes import STANDALONE
from uvlock2nix.errors import CheckFailed
from uvlock2nix.modes import MODES, Mode


@click.command("generate", cls=GroupedCommand)
@project_argument
@request_options()
@click.option(
    "--mode",
    type=click.Choice(MODES),
    show_default="sync",
    help="How deps is fetched: with a single hash, or with a hash for each file.",
)
@click.option("--module", is_flag=True, help="Also write a NixOS module; see [tool.uvlock2nix.service].")
@click.option("--image", is_flag=True, help="Also write a container image.")
@click.option("--standalone", is_flag=True, help="Also write the parts of uvlock2nix that the files need.")
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
        every = planned_all(project, options, reporter, force=force, compare=compare, resolving=resolving)
        again = command_line("generate", options, project)
        if diff or check:
            _compare(every, again, diff=diff, check=check)
            return
        files = [file for found in every for file in found.files]
        _show(every, write_all(files, force=force, command=again), reporter)
        plans = [found.plan for found in every]
        notes = [note for found in every for note in on_collisions(found)]
        for note in dict.fromkeys([*notes, *left_out(every[0].root, plans)]):
            reporter.note(note)
        steps = to_track(every[0].root, [one.path for one in files], plans)
        if any(needs_hash(found.plan, found.pins) for found in every):
            steps.append(command_line("update-hash", Options(), project))
        if steps:
            click.echo("next: " + "; ".join(steps), err=True)


def _compare(every: tuple[Planned, ...], command: str, *, diff: bool, check: bool) -> None:
    changed = [one for found in every for one in found.changed]
    for one in changed:
        if diff:
            click.echo(_diff(one), nl=False)
    if check and changed:
        names = ", ".join(str(one.path.relative_to(every[0].root)) for one in changed)
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


def _show(every: tuple[Planned, ...], written: tuple[Path, ...], reporter: TerminalReporter) -> None:
    root = every[0].root
    copied = [root / found.plan.folder / STANDALONE for found in every]
    for path in written:
        if not any(ours in path.parents for ours in copied):
            click.echo(f"wrote {path.relative_to(root)}")
    for ours in copied:
        if count := sum(ours in path.parents for path in written):
            click.echo(f"wrote {ours.relative_to(root)} ({count} files)")
    if not written:
        click.echo("all files are up to date")
    for found in every:
        click.echo(summary(found.plan), err=True)
    for note in dict.fromkeys(note for found in every for note in on_plan(found)):
        reporter.note(note)
