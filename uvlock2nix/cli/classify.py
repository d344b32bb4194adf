"""``uvlock2nix classify``: where each package comes from, what it needs, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from uvlock2nix.app.gather import Effort, classified, knowledge_of, policy_of, with_sizes
from uvlock2nix.app.remembered import recalled
from uvlock2nix.app.request import Options
from uvlock2nix.atomic import write_atomic
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.cli.classify_html import page
from uvlock2nix.cli.classify_json import as_json
from uvlock2nix.cli.classify_text import explanation, table
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.errors import UsageError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.spelling import did_you_mean

_LEVELS_HELP: Final = (
    "Which packages may come from nixpkgs. none; native (the default): those that would otherwise be "
    "compiled with native libraries; same: all of the same version; compatible: newer ones too."
)


@click.command("classify", cls=GroupedCommand)
@project_argument
@request_options(_LEVELS_HELP)
@click.option(
    "--inspect/--no-inspect",
    default=True,
    help="Download and read sdists that the tables do not know; none of their code is run.",
)
@click.option(
    "--wheels/--no-wheels",
    default=False,
    help="Also read the wheels, by range requests: which libraries they need, which files conflict.",
)
@click.option(
    "--explain", metavar="PACKAGE", help="Show everything about one package; with --json, its entry."
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page with a treemap of download sizes and the table.",
)
@click.option("--json", "as_json_", is_flag=True, help="Print JSON (schema uvlock2nix/classify/1).")
def command(
    project: Path,
    options: Options,
    inspect: bool,
    wheels: bool,
    explain: str | None,
    html: Path | None,
    as_json_: bool,
) -> None:
    """Show where each package comes from, what it needs from the system, and why."""
    with TerminalReporter() as reporter:
        asked = recalled(project, options, reporter)
        for note in asked.notes:
            reporter.note(note)
        if html is not None and not html.absolute().parent.is_dir():
            raise UsageError(f"--html {html}: no such folder: {html.parent}", hint="create it first")
        if len(asked.targets) > 1:
            raise UsageError("classify handles one system at a time", hint="pass --system once")
        if wheels and asked.target.is_darwin:
            reporter.note("--wheels: for macOS, only the file lists of wheels are read")
        effort = Effort(network=inspect, wheels=wheels)
        knowledge = knowledge_of(asked, reporter)
        policy = policy_of(asked, reporter, strict=False)
        knowledge, packages = classified(asked, knowledge, policy, asked.target, effort, reporter)
        if html is not None:
            if inspect:
                knowledge = with_sizes(knowledge, packages, reporter)
            write_atomic(html, page(asked.target, packages, knowledge))
            click.echo(f"written: {html}", err=True)
    one = _named(explain, packages) if explain is not None else None
    if as_json_:
        click.echo(json.dumps(as_json(asked.target, packages if one is None else (one,)), indent=2))
    elif one is not None:
        click.echo(explanation(one, packages, knowledge))
    elif html is None:
        # Who asks for as much as possible from nixpkgs wants to know what keeps the other packages out of it.
        nixpkgs_first = policy.from_nixpkgs in ("same", "compatible")
        click.echo(table(asked.target, packages, knowledge, all_reasons=nixpkgs_first))


def _named(name: str, packages: tuple[ClassifiedPackage, ...]) -> ClassifiedPackage:
    known = {package.name: package for package in packages}
    found = known.get(canonicalize_name(name))
    if found is not None:
        return found
    raise UsageError(
        f"--explain: `{name}` is not in this environment{did_you_mean(name, known)}",
        hint="it may be in another group, extra or platform: see the selection options",
    )
