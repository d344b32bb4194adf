"""``uvlock2nix generate``: write the Nix files of a project."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from uvlock2nix.app.collisions import notes
from uvlock2nix.app.files import Generated, write_all
from uvlock2nix.classify.policy import LEVELS
from uvlock2nix.cli.classify import classified, knowledge_of, policy_of
from uvlock2nix.cli.options import Request, project_argument, request, selection_options, target_options
from uvlock2nix.emit import deps_file, env_file, package_file
from uvlock2nix.emit.common import DEPS, ENV, FOLDER, PACKAGE, PINS
from uvlock2nix.emit.remarks import attribute_remarks
from uvlock2nix.errors import CheckFailed
from uvlock2nix.exposed import without_programs
from uvlock2nix.pins import Pins, read_pins, render
from uvlock2nix.plan import Plan, make_plan


@click.command("generate")
@project_argument
@selection_options
@target_options
@click.option("--from-nixpkgs", type=click.Choice(LEVELS), help="Which packages may come from nixpkgs.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited or are not ours.")
@click.option("--diff", is_flag=True, help="Show what would change; write nothing.")
@click.option("--check", is_flag=True, help="Only compare; exit 1 when a file is out of date.")
def command(
    project: Path, from_nixpkgs: str | None, force: bool, diff: bool, check: bool, **options: Any
) -> None:
    """Write nix/python-deps.nix, python-env.nix, package.nix and python-deps.json of PROJECT."""
    asked = request(project, options)
    for note in asked.notes:
        click.echo(f"note: {note}", err=True)
    plan = plan_of(asked, from_nixpkgs)
    files = generated(plan, asked.project.root)
    if diff or check:
        changed = [one for one in files if one.old != one.text]
        for one in changed:
            if diff:
                click.echo(_diff(one), nl=False)
        if check and changed:
            names = ", ".join(str(one.path.relative_to(asked.project.root)) for one in changed)
            raise CheckFailed(f"out of date: {names}", hint="run `uvlock2nix generate`")
        return
    written = write_all(files, force=force)
    _report(plan, asked.project.root, written)
    keys = {one.system: one.key for one in plan.systems}
    for text in notes(read_pins(asked.project.root / FOLDER / PINS), keys, plan.members):
        click.echo(f"note: {text}", err=True)


def plan_of(asked: Request, from_nixpkgs: str | None = None) -> Plan:
    """Classify for every target and make the Plan."""
    knowledge = knowledge_of(asked)
    policy = policy_of(asked, from_nixpkgs)
    every = []
    for target in asked.targets:
        _, packages = classified(asked, knowledge, policy, target=target, repeatable=True)
        every.append((target, packages))
    held = asked.config.string("exclude-newer")
    return make_plan(asked.project, asked.selection, asked.config, every, exclude_newer=held)


def generated(plan: Plan, root: Path) -> tuple[Generated, ...]:
    """The files of a Plan with what is there now."""
    folder = root / FOLDER
    return (
        Generated.of(folder / DEPS, deps_file(plan)),
        Generated.of(folder / ENV, env_file(plan)),
        Generated.of(folder / PACKAGE, package_file(plan)),
        Generated.of(folder / PINS, render(_pins(plan, folder / PINS)), ours=True),
    )


def _pins(plan: Plan, path: Path) -> Pins:
    """The pins for a Plan: the hashes that are there stay; each names what it was made from.

    ``lock`` is left as it is while a hash is there: it says what the hashes were made for, and only
    update-hash knows that they still are.
    """
    if not path.exists():
        return Pins(lock=plan.lock_sha256, exclude_newer=plan.exclude_newer)
    old = read_pins(path)
    current = all((pin := old.pin(one.system)) and pin.key.startswith(one.key) for one in plan.systems)
    lock = plan.lock_sha256 if current or not old.hashes else old.lock
    return replace(old, lock=lock, exclude_newer=plan.exclude_newer)


def _diff(one: Generated) -> str:
    return "".join(
        difflib.unified_diff(
            (one.old or "").splitlines(keepends=True),
            one.text.splitlines(keepends=True),
            str(one.path),
            f"{one.path} (new)",
        )
    )


def _doubts(plan: Plan) -> list[str]:
    """What was found out by inspection, or not at all: nobody shall think that it was known."""
    notes: dict[str, None] = {}
    for one in (one for system in plan.systems for one in system.classes):
        needs = ", ".join(dict.fromkeys(one.native.build.attributes))
        if one.known == "inspected":
            found = f"by inspection of its source it needs {needs or 'nothing'}"
            notes[f"{one.name}: {found}; see `uvlock2nix classify --explain {one.name}`"] = None
        elif one.known == "unknown":
            notes[
                f"{one.name}: what its build needs is not known; if it fails, say it under "
                f"[tool.uvlock2nix.native.{one.name}]"
            ] = None
    return list(notes)


def _report(plan: Plan, root: Path, written: tuple[Path, ...]) -> None:
    for path in written:
        click.echo(f"wrote {path.relative_to(root)}")
    if not written:
        click.echo("all files are up to date")
    counts: dict[str, int] = {}
    for one in plan.systems[0].classes:
        counts[one.class_] = counts.get(one.class_, 0) + 1
    told = ", ".join(f"{count} {class_}" for class_, count in sorted(counts.items()))
    click.echo(
        f"{plan.name}: Python {plan.python}, {', '.join(s.system for s in plan.systems)}: {told}", err=True
    )
    bare = without_programs(plan.members, plan.exposed)
    for note in (*_doubts(plan), *attribute_remarks(plan), *([bare] if bare else [])):
        click.echo(f"note: {note}", err=True)
    if written:
        click.echo("next: uvlock2nix update-hash", err=True)
