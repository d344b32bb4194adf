"""What can be looked into of a package, before anything is loaded that looks into it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from uvlock2nix.dataclass import dataclass

# Raised whenever reading of wheels changes: old results are then made again.
WHEEL_EDITION: Final = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package to inspect: an sdist at ``url`` with ``hash``, or a file or tree on disk at ``path``.

    ``fallback`` is a tree that is read where the file cannot be had.
    """

    name: str
    filename: str
    url: str | None
    path: Path | None
    hash: str | None
    fallback: Path | None = None
