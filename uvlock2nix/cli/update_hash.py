"""``uvlock2nix update-hash``: make the hash in the pins right, with one build."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click

from uvlock2nix.cli.options import project_argument, selection_options, target_options, this_system
from uvlock2nix.cli.progress import Progress
from uvlock2nix.errors import CheckFailed
from uvlock2nix.nar import FAKE_HASH
from uvlock2nix.nix.build import Built, Evaluated, Nix, find_hash
from uvlock2nix.nix.nixpkgs import find_nixpkgs
from uvlock2nix.nix.project import Files, evaluator, project_files, write_pins
from uvlock2nix.nix.runner import SystemRunner
from uvlock2nix.pins import Pin, Pins, read_pins
from uvlock2nix.resources import nix_dir

SCHEMA: Final = "uvlock2nix/update-hash/1"


@dataclass(frozen=True, slots=True)
class Change:
    """What was done for one system."""

    system: str
    old: str
    new: str
    builds: int
    seconds: float


@click.command(name="update-hash")
@project_argument
@selection_options
@target_options
@click.option("--nixpkgs", metavar="PATH|FLAKEREF", help="The nixpkgs to build with.")
@click.option("--check", is_flag=True, help="Only compare: exit 1 when something is out of date.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    project: Path, nixpkgs: str | None, check: bool, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Make the hash of PROJECT's deps right, with one build."""
    with ending_on_sigterm():
        files = project_files(project)
        lock = files.lock_digest()
        pins = read_pins(files.pins)
        systems = tuple(dict.fromkeys(options["system"])) or (this_system(),)
        changes: list[Change] = []
        new: list[Pin] = []
        with Progress(quiet=quiet) as progress:
            nix = Nix(SystemRunner(), on_status=progress)
            source = find_nixpkgs(nixpkgs, project)
            for system in systems:
                evaluate = evaluator(nix, files, source, nix_dir(), system)
                start = time.monotonic()
                before = evaluate(FAKE_HASH)
                pin = pins.pin(system)
                if pin is not None and pin.key == before.key:
                    continue
                if check:
                    raise CheckFailed(
                        f"{files.pins} is out of date for {system}", hint="run `uvlock2nix update-hash`"
                    )
                built = find_hash(nix, evaluate, before)
                new.append(_pin(built))
                seconds = time.monotonic() - start
                changes.append(Change(system, pin.hash if pin else "", built.hash.sri, built.builds, seconds))
        if check and pins.lock != lock:
            raise CheckFailed(
                f"{files.pins} was made from another uv.lock", hint="run `uvlock2nix update-hash`"
            )
        if new or pins.lock != lock:
            write_pins(files, lock, tuple(new))
        _report(files, pins, lock, changes, as_json=as_json)


def _pin(built: Built) -> Pin:
    facts: Evaluated = built.evaluated
    return Pin(facts.system, built.hash.sri, facts.key, facts.uv, facts.python)


def _report(files: Files, pins: Pins, lock: str, changes: list[Change], *, as_json: bool) -> None:
    written = bool(changes) or pins.lock != lock
    if as_json:
        systems: Mapping[str, object] = {
            one.system: {
                "old": one.old or None,
                "new": one.new,
                "builds": one.builds,
                "seconds": round(one.seconds, 3),
            }
            for one in changes
        }
        value = {"schema": SCHEMA, "file": str(files.pins), "changed": written, "systems": systems}
        click.echo(json.dumps(value, indent=2, sort_keys=True))
        return
    for one in changes:
        builds = "no build" if one.builds == 0 else f"{one.builds} build{'s' if one.builds > 1 else ''}"
        click.echo(f"{one.system}: {one.new} ({builds}, {one.seconds:.0f} s)")
    if not changes and written:
        click.echo("the hash is right as it is; the digest of uv.lock was written anew")
    elif not written:
        click.echo("up to date")


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Treat SIGTERM (a cancelled CI job) as Ctrl-C, so that the build ends with us."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
