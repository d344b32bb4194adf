"""What the build of one package gets that no other build sees, as the Plan holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from uvlock2nix.knowledge.native import NativeInputs


@dataclass(frozen=True, slots=True)
class Native:
    """The inputs of one package's build, and the systems on which it gets them.

    ``crates`` is the Cargo.lock, relative to the project, whose crates the build finds offline.
    """

    name: str
    inputs: NativeInputs
    systems: tuple[str, ...]
    crates: PurePosixPath | None = None
