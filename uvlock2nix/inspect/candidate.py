"""A package to inspect, as a value that does not load the code for inspection."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

# Raised whenever the reading of wheels changes, which discards old results.
WHEEL_EDITION: Final = 4


class Candidate(NamedTuple):
    """A package to inspect: an sdist at ``url`` with ``hash``, or a file or tree on disk at ``path``.

    ``fallback`` is a tree to read if the file cannot be downloaded.
    """

    name: str
    filename: str
    url: str | None
    path: Path | None
    hash: str | None
    fallback: Path | None = None
