"""``uvlock2nix classify``: where each package comes from, what it needs, and why."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import click

from uvlock2nix.classify import ClassifiedPackage, ClassifyPolicy, classify
from uvlock2nix.cli.classify_json import as_json
from uvlock2nix.cli.classify_text import explanation, table
from uvlock2nix.cli.options import Request, project_argument, request, selection_options, target_options
from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.gather import LEVELS, parse_level, parse_lists
from uvlock2nix.knowledge.store import Knowledge
from uvlock2nix.knowledge.user import parse_user_native


@click.command("classify")
@project_argument
@selection_options
@target_options
@click.option(
    "--from-nixpkgs",
    type=click.Choice(LEVELS),
    help="Which packages may come from nixpkgs. none; native (the default): those that would have to be "
    "compiled with native libraries; same: all of the same version; compatible: newer ones too.",
)
@click.option("--explain", metavar="PACKAGE", help="Say everything about one package.")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON (schema uvlock2nix/classify/1).")
def command(
    project: Path, from_nixpkgs: str | None, explain: str | None, as_json_: bool, **options: Any
) -> None:
    """Show where each package comes from, what it needs from the system, and why."""
    asked = request(project, options)
    for note in asked.notes:
        click.echo(f"note: {note}", err=True)
    if len(asked.targets) > 1:
        raise UsageError("classify looks at one system at a time", hint="give --system once")
    knowledge = knowledge_of(asked)
    policy = policy_of(asked, from_nixpkgs, strict=False)
    packages = classify(asked.project, asked.environment(), asked.target, knowledge, policy)
    if explain is not None:
        click.echo(explanation(_named(explain, packages), packages, knowledge))
    elif as_json_:
        click.echo(json.dumps(as_json(asked.target, packages), indent=2))
    else:
        click.echo(table(asked.target, packages, knowledge))


def policy_of(asked: Request, from_nixpkgs: str | None = None, *, strict: bool = True) -> ClassifyPolicy:
    """The policy of the command line over ``[tool.uvlock2nix]``."""
    allow, deny = parse_lists(asked.config.nixpkgs)
    level = parse_level(from_nixpkgs or asked.config.string("from-nixpkgs"))
    return ClassifyPolicy(from_nixpkgs=level, allow=allow, deny=deny, strict=strict)


def knowledge_of(asked: Request) -> Knowledge:
    """The embedded tables with what the project's own pyproject.toml says over them."""
    return Knowledge(user=parse_user_native(asked.config.native))


def _named(name: str, packages: tuple[ClassifiedPackage, ...]) -> ClassifiedPackage:
    from packaging.utils import canonicalize_name

    known = {package.name: package for package in packages}
    found = known.get(canonicalize_name(name))
    if found is not None:
        return found
    near = difflib.get_close_matches(name, known, n=1)
    raise UsageError(
        f"--explain: `{name}` is not in this environment" + (f"; did you mean `{near[0]}`?" if near else ""),
        hint="it may be in another group, extra or platform: see the selection options",
    )
