"""``uvlock2nix verify``: build deps twice, under different conditions, and explain what differs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from uvlock2nix.app.request import Options
from uvlock2nix.app.verify import Result, Run, VerifyOptions, verified
from uvlock2nix.app.verify_tree import verified_tree
from uvlock2nix.cli import verify_tree
from uvlock2nix.cli.help import GroupedCommand
from uvlock2nix.cli.options import environment_option, project_argument
from uvlock2nix.cli.reporter import TerminalReporter
from uvlock2nix.errors import CheckFailed
from uvlock2nix.printable import first_of, printable
from uvlock2nix.target import SYSTEMS
from uvlock2nix.verify import ADVICE, CAUSES, Finding

SCHEMA: Final = "uvlock2nix/verify/1"
_SHOWN: Final = 40  # files in the table
_EVIDENCE: Final = 3  # differences shown per file


@click.command("verify", cls=GroupedCommand)
@project_argument
@click.option(
    "--system", type=click.Choice(SYSTEMS), show_default="this machine", help="The system to build for."
)
@click.option(
    "--nixpkgs",
    metavar="PATH|FLAKEREF",
    show_default="flake.lock, else <nixpkgs>",
    help="The nixpkgs to build with.",
)
@click.option(
    "--cores-first", type=click.IntRange(0), show_default="all", help="Number of cores of the first build."
)
@click.option(
    "--cores-second", type=click.IntRange(0), show_default="1", help="Number of cores of the second build."
)
@click.option("--build-dir", metavar="DIR", help="Build directory of the second build, inside the sandbox.")
@click.option("--fresh", is_flag=True, help="Build twice, even if the pinned output is in the store.")
@click.option(
    "--store-root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/"),
    help="Root folder of a store such as local?root=DIR.",
)
@environment_option
@click.option(
    "--tree",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Build nothing: compare this deps or env with the lock.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    project: Path,
    system: str | None,
    nixpkgs: str | None,
    cores_first: int | None,
    cores_second: int | None,
    build_dir: str | None,
    fresh: bool,
    store_root: Path,
    environment: str | None,
    tree: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Build PROJECT's deps twice, under different conditions; if they differ, exit 1 and explain why.

    With --tree, nothing is built: an existing store path is compared with the lock.
    """
    if tree is not None:
        _compare_tree(project, Options(systems=(system,) if system else ()), tree, as_json, quiet)
        return
    options = VerifyOptions(
        system,
        nixpkgs,
        cores_first,
        cores_second,
        build_dir,
        fresh,
        store_root,
        "" if environment in (None, "default") else environment,
    )
    with TerminalReporter(quiet=quiet) as reporter:
        result = verified(project, options, reporter)
    click.echo(_json(result) if as_json else _text(result))
    if not result.equal:
        packages = {one.package for one in result.findings}
        raise CheckFailed(
            f"two builds of {result.name} differ: {_count(len(result.findings), 'file')} of "
            f"{_count(len(packages), 'package')}",
            hint=_hint(result),
        )
    if not result.ok:
        raise CheckFailed(
            f"both builds of {result.name} give {result.runs[0].hash.sri}; the pins have {result.pinned.sri}",
            hint="run `uvlock2nix update-hash`; the pinned hash was computed from different inputs",
        )


def _compare_tree(project: Path, options: Options, tree: Path, as_json: bool, quiet: bool) -> None:
    with TerminalReporter(quiet=quiet) as reporter:
        result = verified_tree(project, options, tree, reporter)
    click.echo(verify_tree.as_json(result) if as_json else verify_tree.as_text(result))
    if result.problems:
        raise CheckFailed(
            f"{tree} does not match the lock: {_count(len(result.problems), 'problem')}",
            hint="build it again from this lock; `nix-store --verify-path` finds damage in the store",
        )


def _hint(result: Result) -> str:
    if result.runs[0].seconds is None:
        return "the first output was already in the store: --fresh builds both now, to rule out drift"
    return "the hash in the pins is right only by chance; the list above has a remedy for each cause"


def _json(result: Result) -> str:
    value = {
        "schema": SCHEMA,
        "system": result.system,
        "name": result.name,
        "equal": result.equal,
        "pinned": result.pinned.sri,
        "runs": [
            {
                "hash": run.hash.sri,
                "path": run.path,
                "out": run.out,
                "cores": run.cores,
                "buildDir": run.build_dir or None,
                "seconds": None if run.seconds is None else round(run.seconds, 3),
            }
            for run in result.runs
        ],
        "findings": [
            {
                "file": one.file,
                "package": one.package or None,
                "cause": one.cause,
                "evidence": [
                    {"where": item.where, "cause": item.cause, "first": item.first, "second": item.second}
                    for item in one.evidence
                ],
            }
            for one in result.findings
        ],
    }
    return json.dumps(value, indent=2, sort_keys=True)


def _text(result: Result) -> str:
    lines = [f"{result.name} ({result.system})"]
    lines += [
        f"  {which}  {_told(run)}" for which, run in zip(("first ", "second"), result.runs, strict=True)
    ]
    if result.equal:
        lines.append("equal" if result.ok else "equal, but different from the pins")
        return "\n".join(lines)
    lines += ["", *_table(result.findings), "", "causes:"]
    found = {one.cause for one in result.findings}
    lines += [f"  {cause}: {ADVICE[cause]}" for cause in CAUSES if cause in found]
    return "\n".join(lines)


def _told(run: Run) -> str:
    if run.seconds is None:
        return f"{run.hash.sri}  already in the store"
    cores = "" if run.cores is None else f", {_count(run.cores, 'core')}" if run.cores else ", all cores"
    place = f", in {printable(run.build_dir)}" if run.build_dir else ""
    return f"{run.hash.sri}  built in {run.seconds:.1f} s{cores}{place}"


def _table(findings: Sequence[Finding]) -> list[str]:
    """Package, cause, file, and below each the differences; rows that only follow from others come last."""
    ordered = sorted(findings, key=lambda one: (one.cause == "record", one.package, one.file))
    shown = ordered[:_SHOWN]
    names = [printable(one.package) or "-" for one in shown]
    widths = [max(map(len, ["PACKAGE", *names])), max(len(one.cause) for one in shown)]
    widths[1] = max(widths[1], len("CAUSE"))
    lines = [f"{'PACKAGE':{widths[0]}}  {'CAUSE':{widths[1]}}  FILE"]
    for name, one in zip(names, shown, strict=True):
        lines.append(f"{name:{widths[0]}}  {one.cause:{widths[1]}}  {one.file}")
        if one.cause == "record":
            rows = [item.where.removeprefix("row of ") for item in one.evidence]
            lines.append(f"    follows from {_some(rows)}")
            continue
        for item in one.evidence[:_EVIDENCE]:
            kind = "" if item.cause == one.cause else f" ({item.cause})"
            lines.append(
                f"    {item.where}{kind}: {item.first or '(nothing)'} | {item.second or '(nothing)'}"
            )
        if len(one.evidence) > _EVIDENCE:
            lines.append(f"    … and {len(one.evidence) - _EVIDENCE} more (--json)")
    if len(ordered) > _SHOWN:
        rest = Counter(one.cause for one in ordered[_SHOWN:])
        kinds = ", ".join(f"{count} {cause}" for cause, count in sorted(rest.items()))
        lines.append(f"… and {len(ordered) - _SHOWN} more files ({kinds}): --json has all")
    return lines


def _some(names: Sequence[str]) -> str:
    return first_of(names, _EVIDENCE)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
