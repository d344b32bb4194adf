"""``uvlock2nix sbom``: the bill of materials of an environment, as CycloneDX JSON."""

from __future__ import annotations

import json
from pathlib import Path

import click

from uvlock2nix.app.request import Options
from uvlock2nix.app.sbom import sbom
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import project_argument, request_options
from uvlock2nix.cli.reporter import TerminalReporter


@click.command("sbom", cls=GroupedCommand)
@project_argument
@request_options()
@click.option(
    "--tree",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="An installed environment to read licences from.",
)
def command(project: Path, options: Options, tree: Path | None) -> None:
    """Print a CycloneDX 1.6 bill of materials of PROJECT's environment: names, versions, files, hashes,
    origins.
    """
    with TerminalReporter() as reporter:
        found = sbom(project, options, reporter, tree)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))
