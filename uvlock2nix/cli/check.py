"""``uvlock2nix check``: fail when a generated file or a hash is out of date. For CI and pre-commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from uvlock2nix.app.check import checked
from uvlock2nix.app.request import Options
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.errors import CheckFailed

SCHEMA: Final = "uvlock2nix/check/1"


@click.command("check", cls=GroupedCommand)
@project_argument
@request_options()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(project: Path, options: Options, as_json: bool) -> None:
    """Exit 1 when PROJECT's uv.lock, generated Nix files and hashes do not fit together; run no Nix.

    Without --system, every system that the files were generated for is checked.
    """
    with TerminalReporter() as reporter:
        found = checked(project, options, reporter)
    if as_json:
        value = {"schema": SCHEMA, "ok": not found.reasons, "reasons": list(found.reasons)}
        click.echo(json.dumps(value, indent=2))
    if found.reasons:
        lines = "\n".join(f"  {reason}" for reason in found.reasons)
        raise CheckFailed(f"out of date:\n{lines}", hint=f"run: {'; '.join(found.steps)}")
    if not as_json:
        click.echo("up to date")
