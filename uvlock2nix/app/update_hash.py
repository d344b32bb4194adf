"""update-hash of a project: decide what is out of date, get each hash, write all or nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from uvlock2nix.app.collisions import case_notes, notes, read_collisions
from uvlock2nix.app.hash_without_nix import compute, refusal
from uvlock2nix.app.new_pins import with_plan
from uvlock2nix.app.nix_python import check_nix_python
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.script_programs import Programs, read_programs
from uvlock2nix.app.state import State
from uvlock2nix.app.state_programs import with_found_programs
from uvlock2nix.app.timings import Timings
from uvlock2nix.atomic import folder_lock, replace_many
from uvlock2nix.emit.common import DEPS, PINS
from uvlock2nix.errors import CheckFailed, InputError, ToolError
from uvlock2nix.nar import FAKE_HASH
from uvlock2nix.nixrun.build import Evaluated, Nix, find_hash
from uvlock2nix.nixrun.freshness import content_key
from uvlock2nix.nixrun.hints import naming_packages
from uvlock2nix.nixrun.nixpkgs import NixpkgsSource, find_nixpkgs
from uvlock2nix.nixrun.project import evaluator
from uvlock2nix.nixrun.runner import SystemRunner
from uvlock2nix.nixrun.stage import staged
from uvlock2nix.pins import NixpkgsUsed, Pin, Pins, read_pins, render
from uvlock2nix.plan import SystemPlan
from uvlock2nix.reading import read_regular
from uvlock2nix.resources import nix_dir
from uvlock2nix.target import this_system


@dataclass(frozen=True, slots=True)
class HashOptions:
    """How to compute the hashes: with which nixpkgs, without Nix, for which systems."""

    nixpkgs: str | None = None
    no_nix: bool = False
    all_systems: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What was done for one system."""

    system: str
    old: str
    new: str
    how: Literal["built", "computed"]
    builds: int
    seconds: float


def check_states(states: Sequence[State]) -> None:
    """Raise CheckFailed, with everything that is out of date, unless nothing is."""
    reasons = [reason for state in states for reason in state.reasons()]
    if reasons:
        lines = "\n".join(f"  {reason}" for reason in reasons)
        raise CheckFailed(f"out of date:\n{lines}", hint="run `uvlock2nix update-hash`")


def _out_of_date_too(state: State, changes: Sequence[Change]) -> tuple[str, ...]:
    """Systems that were not requested and whose hash is out of date too."""
    done = {one.system for one in changes} | set(state.wanted)
    return tuple(
        system for system, key in state.keys.items() if system not in done and not state.pins.has(system, key)
    )


def update(
    state: State, options: HashOptions, reporter: Reporter, timings: Timings | None = None
) -> tuple[tuple[Change, ...], tuple[Path, ...]]:
    """Update the hashes of the wanted systems; return the changes and the files that were written.

    Raises:
        CheckFailed: a file that has to be written was edited by hand.
        ToolError, NetworkError: a build failed; nothing is written.
    """
    _refuse_edited(state)
    if state.plan.mode == "files":
        written = _write_files(state)
        from uvlock2nix.app.wheel_collisions import on_wheel_collisions

        for text in on_wheel_collisions(state.plan):
            reporter.note(text)
        return (), written
    stale = set(state.freshness.systems)
    timings = timings or Timings()
    maker = _HashMaker(state, options, reporter, timings)
    changes: list[Change] = []
    pins: list[Pin] = []
    with maker:
        for one in state.plan.systems:
            if one.system not in state.wanted:
                continue
            if one.system not in stale and one.system not in state.freshness.toolchain:
                continue
            made = maker.make(one, sure=one.system in stale)
            if made is not None:
                change, pin = made
                changes.append(change)
                pins.append(pin)
    state = with_found_programs(state, maker.programs, reporter)
    with timings.part("writing"):
        written = _write(state, tuple(pins))
    for text in notes(read_pins(state.paths.pins), dict(state.keys), state.plan.members):
        reporter.note(text)
    for system in _out_of_date_too(state, changes):
        reporter.note(f"the hash of {system} is out of date too: --system {system}")
    return tuple(changes), written


class _HashMaker:
    """Computes hashes; looks for Nix and stages files only when a hash has to be built."""

    def __init__(self, state: State, options: HashOptions, reporter: Reporter, timings: Timings) -> None:
        self.state = state
        self.options = options
        self.reporter = reporter
        self.timings = timings
        self.programs: dict[str, Programs] = {}
        self._nix: Nix | None = None
        self._source: NixpkgsSource | None = None
        self._stage: AbstractContextManager[Path] = nullcontext(state.root)
        self._root = state.root

    def __enter__(self) -> _HashMaker:
        if self.state.moved:
            self._stage = staged(_stage_files(self.state))
        self._root = self._stage.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stage.__exit__(None, None, None)

    def make(self, one: SystemPlan, *, sure: bool) -> tuple[Change, Pin] | None:
        """The new pin of a system; None if the old pin still holds.

        ``sure`` is false if only the toolchain may have changed: then an evaluation decides.
        """
        start = time.monotonic()
        old = self.state.pins.pin(one.system)
        foreign = self.options.all_systems and one.system != this_system()
        if self.options.no_nix or (foreign and not refusal(one)):
            if not sure:
                return None
            with self.timings.part("installing and hashing"):
                found = compute(self.state.asked, self.state.plan, one, quiet=self.options.quiet)
            digest, uv, said = found
            self._tell(one.system, said)
            pin = Pin(one.system, digest.sri, one.key, uv, one.target.python.full, read_collisions(said))
            seconds = time.monotonic() - start
            return Change(one.system, old.hash if old else "", digest.sri, "computed", 0, seconds), pin
        if not sure and shutil.which("nix-store") is None:
            self.reporter.note(f"{one.system}: Nix is not installed: toolchain changes were not checked")
            return None
        nix, source = self._tools()
        expression = self._root / self.state.plan.folder / DEPS
        evaluate = self.timings.counted(
            "evaluating", evaluator(nix, expression, source, nix_dir(), one.system)
        )
        try:
            before = evaluate(FAKE_HASH)
        except ToolError as error:
            inputs = (*self.state.plan.native_build_inputs, *self.state.plan.build_inputs)
            raise naming_packages(error, {one.attr: one.packages for one in inputs}) from error
        check_nix_python(self.state.asked, one.target, before.python, self.state.update_hash)
        if not before.key.startswith(one.key):
            raise InputError(
                f"{self.state.paths.expression} has the key {before.key} for deps; the lock gives {one.key}",
                hint=f"the file was edited; see `{self.state.generate} --diff`",
            )
        if not sure and old is not None and old.key == before.key:
            return None
        with self.timings.part("building and verifying"):
            built = find_hash(nix, evaluate, before)
        said = nix.log(before.drv)
        self._tell(one.system, said)
        collided = read_collisions(said)
        used = _used(before, source)
        self._on_toolchain(old, before.key, used, source)
        pin = Pin(one.system, built.hash.sri, before.key, before.uv, before.python, collided, used)
        seconds = time.monotonic() - start
        return Change(one.system, old.hash if old else "", pin.hash, "built", built.builds, seconds), pin

    def _on_toolchain(
        self, old: Pin | None, key: str, used: NixpkgsUsed | None, source: NixpkgsSource
    ) -> None:
        """Explain why a hash is computed again although the project did not change."""
        if old is None or old.key == key or content_key(old.key) != content_key(key) or used is None:
            return
        before = f"made with {old.nixpkgs}" if old.nixpkgs else "made with a different toolchain"
        self.reporter.note(
            f"{old.system}: the hash was {before}; this is {used}, from {source.origin}: compiled packages"
            " were built again"
        )

    def _tell(self, system: str, said: Sequence[str]) -> None:
        found = read_programs(said)
        if found is not None:
            self.programs[system] = found
        for text in case_notes(said):
            self.reporter.note(text)

    def _tools(self) -> tuple[Nix, NixpkgsSource]:
        if self._nix is None or self._source is None:
            self._nix = Nix(SystemRunner(), on_status=self.reporter.status)
            self._source = find_nixpkgs(self.options.nixpkgs, self.state.root)
        return self._nix, self._source


def _used(evaluated: Evaluated, source: NixpkgsSource) -> NixpkgsUsed | None:
    """The nixpkgs of an evaluation; None if its version is unknown."""
    if not evaluated.nixpkgs.isprintable() or not evaluated.nixpkgs:
        return None
    return NixpkgsUsed(evaluated.nixpkgs, source.revision or evaluated.revision)


def _refuse_edited(state: State) -> None:
    if state.unfit():
        raise CheckFailed(
            f"{state.paths.expression.name}: out of date, and edited by hand or not written by uvlock2nix",
            hint=f"`{state.generate} --diff` shows what would change, `{state.generate} --force` overwrites",
        )


def _stage_files(state: State) -> Mapping[PurePosixPath, Path | str]:
    """The files that Nix reads to evaluate deps, with the new ones in place of the old."""
    files: dict[PurePosixPath, Path | str] = {
        path: state.root / path for path in state.plan.files if (state.root / path).exists()
    }
    folder = state.plan.folder
    files[folder / DEPS] = state.paths.expression
    for one in state.rewritten:
        files[folder / one.path.name] = one.text
    files[folder / PINS] = render(_merged(state, state.pins, ()))
    return files


def _merged(state: State, pins: Pins, new: tuple[Pin, ...]) -> Pins:
    pins = with_plan(pins, state.plan, state.words)._replace(lock=state.plan.lock_sha256)
    for pin in new:
        pins = pins.with_pin(pin)
    return pins


def _write_files(state: State) -> tuple[Path, ...]:
    """Mode `files`: there is no hash; write what generate would write, where it differs."""
    with folder_lock(state.paths.pins.parent):
        texts = {one.path: one.text for one in state.rewritten}
        replace_many(texts)
    return tuple(texts)


def _write(state: State, new: tuple[Pin, ...]) -> tuple[Path, ...]:
    """Write the pins and changed generated files, all or nothing; return the paths that changed.

    The pins are read again under a lock: another run may have added its systems meanwhile.
    """
    with folder_lock(state.paths.pins.parent):
        if state.paths.lock_digest() != state.plan.lock_sha256:
            raise InputError(
                f"{state.paths.lock} changed while the hash was computed; nothing was written",
                hint="run `uvlock2nix update-hash` again",
            )
        texts = {one.path: one.text for one in state.rewritten}
        pins = read_pins(state.paths.pins)
        text = render(_merged(state, pins, new))
        if new or state.moved or text != read_regular(state.paths.pins).decode():
            texts[state.paths.pins] = text  # last: until then, the other files are visibly out of date
        replace_many(texts)
    return tuple(texts)
