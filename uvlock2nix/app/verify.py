"""verify: build deps twice, under different conditions, and find out what differs and why."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.app.reporter import Reporter
from uvlock2nix.errors import CheckFailed, ToolError, UsageError
from uvlock2nix.nar import FAKE_HASH, Hash, parse_hash
from uvlock2nix.nixrun.build import Evaluated, Nix, find_hash
from uvlock2nix.nixrun.hints import build_error
from uvlock2nix.nixrun.messages import Failed, Found, judge
from uvlock2nix.nixrun.nixpkgs import NixpkgsSource, find_nixpkgs
from uvlock2nix.nixrun.project import Files, evaluator, project_files
from uvlock2nix.nixrun.runner import SystemRunner
from uvlock2nix.pins import Pin, read_pins
from uvlock2nix.resources import nix_dir
from uvlock2nix.target import this_system
from uvlock2nix.verify import Condition, Finding, compare

# A second impossible hash, which gives a different $out than FAKE_HASH.
OTHER_FAKE_HASH: Final = Hash("sha256", b"\xff" * 32)


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What differs between the builds, and where; ``cores`` None: as Nix is configured."""

    system: str | None = None
    nixpkgs: str | None = None
    cores_first: int | None = None
    cores_second: int | None = None
    build_dir: str | None = None
    fresh: bool = False
    store_root: Path = Path("/")
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One of the two outputs: its hash, its path, and how it came to be.

    ``cores`` None: unknown; ``seconds`` None: it was already in the store; ``out`` is the ``$out`` of the
    build; ``build_dir`` is "" if Nix chose it.
    """

    hash: Hash
    path: str
    out: str
    cores: int | None
    build_dir: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """Two runs, the pinned hash, and the differences."""

    system: str
    name: str
    pinned: Hash
    runs: tuple[Run, Run]
    findings: tuple[Finding, ...]

    @property
    def equal(self) -> bool:
        """Whether both runs have the same hash."""
        return self.runs[0].hash == self.runs[1].hash

    @property
    def ok(self) -> bool:
        """Whether both runs have the pinned hash."""
        return self.equal and self.runs[0].hash == self.pinned


def _second_cores(options: VerifyOptions) -> int:
    """The cores of the second build: as requested, else a different number than the first."""
    if options.cores_second is not None:
        return options.cores_second
    # On a single core, two: a build may be configured with more cores than there are.
    return 1 if (options.cores_first or os.cpu_count() or 1) != 1 else 2


def _pin(files: Files, system: str) -> Pin:
    """The pin to verify; CheckFailed if the pins do not match the lock."""
    pins = read_pins(files.pins)
    if pins.packages:
        raise UsageError(
            f"{files.expression} is in mode `files`: each package is a derivation, without a hash to verify",
            hint=f"let Nix build them twice: run {_build_packages(files)}, then the same with --check",
        )
    hint = f"run `uvlock2nix update-hash --system {system}` first"
    pin = pins.pin(system)
    if pin is None:
        raise CheckFailed(f"{files.pins} has no hash for {system}", hint=hint)
    if pins.lock != files.lock_digest():
        raise CheckFailed(f"{files.pins} was made from a different {files.lock.name}", hint=hint)
    return pin


def _build_packages(files: Files) -> str:
    """The command that builds every package of mode `files`."""
    overlay = (nix_dir() / "overlay.nix").resolve()
    pkgs = f"(import <nixpkgs> {{ overlays = [ (import {overlay}) ]; }})"
    expression = f"({pkgs}.callPackage {files.expression} {{ }}).packages"
    return shlex.join(["nix-build", "--no-out-link", "-E", expression])


def verified(project: Path, options: VerifyOptions, reporter: Reporter) -> Result:
    """Build deps of ``project`` twice, under different conditions, and compare.

    Raises:
        UsageError: the project is in mode `files`.
        CheckFailed: the pins have no hash for the system, or its hash is for a different lock or nixpkgs.
        ToolError, NetworkError: a build failed.
    """
    system = options.system or this_system()
    files = project_files(project, options.environment)
    pin = _pin(files, system)
    source = find_nixpkgs(options.nixpkgs, files.lock.parent)
    pinned = parse_hash(pin.hash)
    first = _NixUnderConditions(files, source, system, reporter, options.cores_first, None)
    before = first.evaluate(pinned)
    if before.key != pin.key:
        raise CheckFailed(
            f"{files.pins}: the hash of {system} was made for {pin.key}; this nixpkgs and lock give"
            f" {before.key}",
            hint="run `uvlock2nix update-hash`, or pass the nixpkgs of the pins with --nixpkgs",
        )
    second = _NixUnderConditions(files, source, system, reporter, _second_cores(options), options.build_dir)
    one = first.rebuilt(OTHER_FAKE_HASH) if options.fresh else first.realised(before, pinned)
    other = second.rebuilt(FAKE_HASH)
    findings: tuple[Finding, ...] = ()
    if one.hash != other.hash:
        trees = _tree(one.path, options.store_root), _tree(other.path, options.store_root)
        findings = compare(*trees, _conditions(one, other))
    return Result(system, before.name, pinned, (one, other), findings)


class _NixUnderConditions:
    """Nix under the conditions of one build."""

    def __init__(
        self,
        files: Files,
        source: NixpkgsSource,
        system: str,
        reporter: Reporter,
        cores: int | None,
        build_dir: str | None,
    ) -> None:
        self.cores = cores
        self.build_dir = build_dir or ""
        options = [] if cores is None else ["--option", "cores", str(cores)]
        if build_dir:
            options += ["--option", "sandbox-build-dir", build_dir]
        self._nix = Nix(SystemRunner(), on_status=reporter.status, options=options)
        self.evaluate = evaluator(self._nix, files.expression, source, nix_dir(), system)

    def realised(self, pinned: Evaluated, digest: Hash) -> Run:
        """The pinned output, from the store, a cache or a build; or what the build produced instead."""
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
        """Build with an impossible hash; Nix keeps the output under its real hash."""
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
            hint="--store-root is for a store in a local folder; copy from any other with `nix copy`",
        )
    return tree


def _conditions(one: Run, other: Run) -> tuple[Condition, ...]:
    """The known differences in conditions; none are known for an earlier build."""
    found = [Condition("output-path", one.out, other.out)]
    cores = [str(run.cores or os.cpu_count() or 1) for run in (one, other) if run.seconds is not None]
    if len(set(cores)) == 2:
        found.append(Condition("cores", cores[0], cores[1]))
    return tuple(found)
