"""``uvlock2nix verify``: build deps twice, under different conditions, and explain what differs."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from uvlock2nix.cli.interrupt import ending_on_sigterm
from uvlock2nix.cli.options import SYSTEMS, project_argument, this_system
from uvlock2nix.cli.progress import Progress
from uvlock2nix.errors import CheckFailed, ToolError
from uvlock2nix.nar import FAKE_HASH, Hash, parse_hash
from uvlock2nix.nixrun.build import Evaluated, Nix, find_hash
from uvlock2nix.nixrun.hints import build_error
from uvlock2nix.nixrun.messages import Failed, Found, judge
from uvlock2nix.nixrun.nixpkgs import NixpkgsSource, find_nixpkgs
from uvlock2nix.nixrun.project import Files, evaluator, project_files
from uvlock2nix.nixrun.runner import SystemRunner
from uvlock2nix.pins import Pin, read_pins
from uvlock2nix.resources import nix_dir
from uvlock2nix.verify import ADVICE, CAUSES, Condition, Finding, compare, printable

SCHEMA: Final = "uvlock2nix/verify/1"
# Another hash that nothing has: with it $out is another path than with FAKE_HASH.
OTHER_FAKE_HASH: Final = Hash("sha256", b"\xff" * 32)
_SHOWN: Final = 40  # files in the table
_EVIDENCE: Final = 3  # differences of each


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for; ``cores`` None: what Nix is configured to take."""

    system: str
    nixpkgs: str | None
    cores_first: int | None
    cores_second: int
    build_dir: str | None
    fresh: bool
    store_root: Path


@dataclass(frozen=True, slots=True)
class Run:
    """One of the two outputs: its hash, its path, and how it came to be.

    ``cores`` None: not said, ``seconds`` None: it was in the store already; ``out`` is the ``$out`` that the
    build had, ``build_dir`` "" where Nix chose it.
    """

    hash: Hash
    path: str
    out: str
    cores: int | None
    build_dir: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """Two runs, what the pins say, and the differences."""

    system: str
    name: str
    pinned: Hash
    runs: tuple[Run, Run]
    findings: tuple[Finding, ...]

    @property
    def equal(self) -> bool:
        """Whether both runs gave the same hash."""
        return self.runs[0].hash == self.runs[1].hash

    @property
    def ok(self) -> bool:
        """Whether both runs gave the hash that is pinned."""
        return self.equal and self.runs[0].hash == self.pinned


@click.command("verify")
@project_argument
@click.option("--system", type=click.Choice(SYSTEMS), help="The system to build for; default: this one.")
@click.option("--nixpkgs", metavar="PATH|FLAKEREF", help="The nixpkgs to build with.")
@click.option("--cores-first", type=click.IntRange(0), help="Cores of the first build; default: all.")
@click.option("--cores-second", type=click.IntRange(0), help="Cores of the second build; default: 1.")
@click.option("--build-dir", metavar="DIR", help="Build directory of the second build, inside the sandbox.")
@click.option("--fresh", is_flag=True, help="Build both, also when the pinned output is in the store.")
@click.option(
    "--store-root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/"),
    help="Where Nix's store lies for us, when it is one in a folder (local?root=DIR).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(project: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Build PROJECT's deps twice, under different conditions; exit 1 and say why when they differ."""
    wanted = _wanted(options)
    files = project_files(project)
    pin = _pin(files, wanted.system)
    with ending_on_sigterm(), Progress(quiet=quiet) as progress:
        result = _verify(files, pin, wanted, progress)
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
            f"both builds of {result.name} give {result.runs[0].hash.sri}; the pins say {result.pinned.sri}",
            hint="run `uvlock2nix update-hash`; what was pinned was made from something else",
        )


def _hint(result: Result) -> str:
    if result.runs[0].seconds is None:
        return (
            "the first output was in the store: with --fresh both are built now, which tells drift from luck"
        )
    return "the hash in the pins is right by luck only; what to do about each cause stands above"


def _wanted(options: dict[str, Any]) -> Wanted:
    first, second = options["cores_first"], options["cores_second"]
    if second is None:
        # One more than there are, where there is one: a build may be told to use more than it has.
        second = 1 if (first or os.cpu_count() or 1) != 1 else 2
    return Wanted(
        system=options["system"] or this_system(),
        nixpkgs=options["nixpkgs"],
        cores_first=first,
        cores_second=second,
        build_dir=options["build_dir"],
        fresh=options["fresh"],
        store_root=options["store_root"],
    )


def _pin(files: Files, system: str) -> Pin:
    """The pin to verify; CheckFailed where the pins are not those of the lock."""
    pins = read_pins(files.pins)
    hint = f"run `uvlock2nix update-hash --system {system}` first"
    pin = pins.pin(system)
    if pin is None:
        raise CheckFailed(f"{files.pins} has no hash for {system}", hint=hint)
    if pins.lock != files.lock_digest():
        raise CheckFailed(f"{files.pins} was made from another {files.lock.name}", hint=hint)
    return pin


def _verify(files: Files, pin: Pin, wanted: Wanted, progress: Progress) -> Result:
    source = find_nixpkgs(wanted.nixpkgs, files.lock.parent)
    pinned = parse_hash(pin.hash)
    first = _Builder(files, source, wanted.system, progress, wanted.cores_first, None)
    before = first.evaluate(pinned)
    if before.key != pin.key:
        raise CheckFailed(
            f"{files.pins}: the hash of {wanted.system} was made for {pin.key}; this nixpkgs and lock give"
            f" {before.key}",
            hint="run `uvlock2nix update-hash`, or say the nixpkgs of the pins with --nixpkgs",
        )
    second = _Builder(files, source, wanted.system, progress, wanted.cores_second, wanted.build_dir)
    one = first.rebuilt(OTHER_FAKE_HASH) if wanted.fresh else first.realised(before, pinned)
    other = second.rebuilt(FAKE_HASH)
    findings: tuple[Finding, ...] = ()
    if one.hash != other.hash:
        trees = _tree(one.path, wanted.store_root), _tree(other.path, wanted.store_root)
        findings = compare(*trees, _conditions(one, other))
    return Result(wanted.system, before.name, pinned, (one, other), findings)


class _Builder:
    """Nix under the conditions of one of the builds."""

    def __init__(
        self,
        files: Files,
        source: NixpkgsSource,
        system: str,
        progress: Progress,
        cores: int | None,
        build_dir: str | None,
    ) -> None:
        self.cores = cores
        self.build_dir = build_dir or ""
        options = [] if cores is None else ["--option", "cores", str(cores)]
        if build_dir:
            options += ["--option", "sandbox-build-dir", build_dir]
        self._nix = Nix(SystemRunner(), on_status=progress, options=options)
        self.evaluate = evaluator(self._nix, files.expression, source, nix_dir(), system)

    def realised(self, pinned: Evaluated, digest: Hash) -> Run:
        """The output that the pins name: from the store, a cache or a build; what that gave in its place."""
        if self._nix.is_valid(pinned.out):
            return Run(digest, pinned.out, pinned.out, None, "", None)
        start = time.monotonic()
        worked, reader = self._nix.realise(pinned.drv)
        if worked and self._nix.is_valid(pinned.out):
            return self._run(digest, pinned, start)
        verdict = judge(reader.trusted, pinned.wanted())
        if isinstance(verdict, Found) and len(verdict.hashes) == 1:
            run = self._run(verdict.hashes[0], pinned, start)
            if self._nix.is_valid(run.path):
                return run
        if isinstance(verdict, Failed) and verdict.builder is not None:
            raise build_error(reader, verdict, pinned.drv, pinned.system)
        return self.rebuilt(OTHER_FAKE_HASH)

    def rebuilt(self, fake: Hash) -> Run:
        """A build under a hash that nothing has; Nix keeps its output under the hash that it really has."""
        before = self.evaluate(fake)
        start = time.monotonic()
        return self._run(find_hash(self._nix, self.evaluate, before).hash, before, start)

    def _run(self, digest: Hash, built: Evaluated, start: float) -> Run:
        path = built.wanted().path(digest)
        return Run(digest, path, built.out, self.cores, self.build_dir, time.monotonic() - start)


def _tree(path: str, root: Path) -> Path:
    tree = root / path.lstrip("/")
    if not tree.is_dir():
        raise ToolError(
            f"{path} is not a directory here, though Nix has it ({tree})",
            hint="--store-root names a store in a folder of its own; one elsewhere must be copied (nix copy)",
        )
    return tree


def _conditions(one: Run, other: Run) -> tuple[Condition, ...]:
    """What is known to have been different; nothing is known of a build that was made before."""
    found = [Condition("output-path", one.out, other.out)]
    cores = [str(run.cores or os.cpu_count() or 1) for run in (one, other) if run.seconds is not None]
    if len(set(cores)) == 2:
        found.append(Condition("cores", cores[0], cores[1]))
    return tuple(found)


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
        lines.append("equal" if result.ok else "equal, but not what the pins say")
        return "\n".join(lines)
    lines += ["", *_table(result.findings), "", "causes:"]
    found = {one.cause for one in result.findings}
    lines += [f"  {cause}: {ADVICE[cause]}" for cause in CAUSES if cause in found]
    return "\n".join(lines)


def _told(run: Run) -> str:
    if run.seconds is None:
        return f"{run.hash.sri}  in the store before"
    cores = "" if run.cores is None else f", {_count(run.cores, 'core')}" if run.cores else ", all cores"
    place = f", in {printable(run.build_dir)}" if run.build_dir else ""
    return f"{run.hash.sri}  built in {run.seconds:.1f} s{cores}{place}"


def _table(findings: Sequence[Finding]) -> list[str]:
    """Package, cause, file, and below each the differences; what only follows from others stands last."""
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
        lines.append(f"… and {len(ordered) - _SHOWN} files more ({kinds}): --json has all")
    return lines


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _EVIDENCE} more" if len(names) > _EVIDENCE else ""
    return ", ".join(names[:_EVIDENCE]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
