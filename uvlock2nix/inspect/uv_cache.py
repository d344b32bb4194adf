"""Source trees that uv has already unpacked: its cache is read, never written to.

The layout is uv's own and may change with its version; then nothing is found.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.regex import regex

_COMMIT: Final = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_PLAIN: Final = regex(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,150}\Z")


def uv_cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of uv's cache: ``UV_CACHE_DIR``, ``$XDG_CACHE_HOME/uv`` or ``~/.cache/uv``."""
    if own := environ.get("UV_CACHE_DIR"):
        return Path(own)
    base = environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "uv"


def git_tree(cache: Path, commit: str) -> Path | None:
    """The finished checkout of a commit (uv names it by the first characters), or ``None``."""
    if not _COMMIT.match(commit):
        return None
    for place in _glob(cache, f"git-v*/checkouts/*/{commit[:4]}*"):
        finished = place.with_name(f"{place.name}.ok").exists() or (place / ".ok").exists()
        if finished and len(place.name) >= 7 and commit.startswith(place.name) and place.is_dir():
            return place
    return None


def sdist_tree(cache: Path, name: str, version: str) -> Path | None:
    """The unpacked sdist of a release from any index, or ``None``. Only uv has checked its hash."""
    if not _PLAIN.match(name) or not _PLAIN.match(version):
        return None
    for pattern in (f"sdists-v*/pypi/{name}/{version}/*/src", f"sdists-v*/index/*/{name}/{version}/*/src"):
        for place in _glob(cache, pattern):
            if place.is_dir():
                return place
    return None


def _glob(cache: Path, pattern: str) -> list[Path]:
    try:
        return sorted(cache.glob(pattern))
    except OSError:
        return []
