"""Libraries that a package in its own store path needs and does not have: its manifest says which."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.sync.manifest import read_manifest

WANTS: Final = "wants"


@dataclass(frozen=True, slots=True)
class Want:
    """A library that ``file`` (below the package's store path) needs from another package."""

    file: str
    library: str


def wants_of(package: Path) -> tuple[Want, ...]:
    """What :func:`uvlock2nix.venv.single.settle` recorded for a package."""
    listed = read_manifest(package).get(WANTS)
    return tuple(
        Want(str(one["file"]), str(one["library"])) for one in (listed if isinstance(listed, list) else ())
    )
