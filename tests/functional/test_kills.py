"""Killed at any moment: files are old or new, and the next run puts all right (see benchmarks/kills.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kills import CASES, Killer


@pytest.mark.parametrize(
    "name",
    [
        "generate",
        "update-hash-without-nix",
        "update-hash-mode-files",
        "refs-strip",
        "refs-restore",
        "index-update",
    ],
)
def test_nothing_is_damaged_or_left_behind(name: str, tmp_path: Path) -> None:
    counts = Killer(CASES[name], tmp_path / "place", seed=len(name)).run(3)
    assert counts.faults == 0, counts
