"""update-hash of a handwritten Nix file: the literal hash of one derivation in it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from uvlock2nix.app.reporter import Reporter
from uvlock2nix.errors import CheckFailed
from uvlock2nix.nar import Hash
from uvlock2nix.nixrun.build import Nix, find_hash
from uvlock2nix.nixrun.file import find_target, write_target
from uvlock2nix.nixrun.nixpkgs import find_nixpkgs
from uvlock2nix.nixrun.runner import SystemRunner
from uvlock2nix.resources import nix_dir
from uvlock2nix.target import this_system


@dataclass(frozen=True, slots=True)
class FileOptions:
    """The derivation in the file (``attr``), its system and nixpkgs; ``check``: only compare."""

    attr: str = ""
    system: str | None = None
    nixpkgs: str | None = None
    check: bool = False


@dataclass(frozen=True, slots=True)
class FileChange:
    """Where the hash is (``where`` as ``file:line``, ``name`` of its attribute), what it was and now is."""

    where: str
    name: str
    system: str
    old: Hash
    new: Hash
    changed: bool
    builds: int
    seconds: float


def update_file(path: Path, options: FileOptions, reporter: Reporter) -> FileChange:
    """Update the hash in ``path`` with one build.

    Raises:
        CheckFailed: with ``check``, if it is out of date.
        InputError: the hash is not a literal, or not the only one.
    """
    system = options.system or this_system()
    start = time.monotonic()
    nix = Nix(SystemRunner(), on_status=reporter.status)
    # A file may have its own nixpkgs.
    source = find_nixpkgs(options.nixpkgs, path.parent, optional=True)
    target = find_target(nix, path, options.attr, source, nix_dir(), system)
    built = find_hash(nix, target.evaluate)
    where = f"{path}:{target.literal.line}"
    changed = built.hash != target.current or target.literal.placeholder
    if options.check and changed:
        raise CheckFailed(
            f"{where}: the hash should be {built.hash.sri}", hint="run the command without --check"
        )
    if changed:
        write_target(target, built.hash)
    seconds = time.monotonic() - start
    return FileChange(
        where, target.literal.name, system, target.current, built.hash, changed, built.builds, seconds
    )
