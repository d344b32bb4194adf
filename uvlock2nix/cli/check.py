"""``uvlock2nix check``: fail when a generated file or a hash is out of date. For CI and pre-commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from uvlock2nix.app.state import state_of
from uvlock2nix.classify.policy import LEVELS
from uvlock2nix.cli.options import project_argument, selection_options, target_options
from uvlock2nix.errors import CheckFailed
from uvlock2nix.lock import check_lock_matches

SCHEMA: Final = "uvlock2nix/check/1"


@click.command("check")
@project_argument
@selection_options
@target_options
@click.option("--from-nixpkgs", type=click.Choice(LEVELS), help="Which packages may come from nixpkgs.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(project: Path, from_nixpkgs: str | None, as_json: bool, **options: Any) -> None:
    """Exit 1 when PROJECT's uv.lock, generated Nix files and hashes do not fit together; run no Nix.

    Without --system, every system that the files were generated for is looked at.
    """
    state = state_of(project, options, from_nixpkgs, all_systems=not options["system"])
    for one in state.edited:
        name = one.path.relative_to(state.root)
        click.echo(f"note: {name} was edited; it is not compared with what generate would write", err=True)
    unlocked = [f"uv.lock does not fit the project: {one}" for one in check_lock_matches(state.asked.project)]
    reasons = [*unlocked, *state.reasons()]
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "ok": not reasons, "reasons": reasons}, indent=2))
    if reasons:
        lines = "\n".join(f"  {reason}" for reason in reasons)
        steps = [*(["uv lock"] if unlocked else []), "uvlock2nix update-hash"]
        raise CheckFailed(f"out of date:\n{lines}", hint=f"run: {'; '.join(steps)}")
    if not as_json:
        click.echo("up to date")
