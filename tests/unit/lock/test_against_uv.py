"""Random workspaces, locked and synced (dry) by the uv that is installed; nothing is fetched."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from tests.support.locks import load_script
from uvlock2nix.lock import check_lock_matches, load_project

RANDOM = load_script("compare_random")
SEEDS = (1002, 1004, 1009, 1013, 1016, 1020)


@pytest.mark.slow
@pytest.mark.skipif(load_script("stub_index").find_uv() is None, reason="uv is not installed")
@pytest.mark.parametrize("seed", SEEDS)
def test_environments_are_uv_s(tmp_path: Path, seed: int) -> None:
    folder = RANDOM.make(seed, tmp_path, sys.executable)
    if folder is None:
        pytest.skip("uv finds no solution for this one")
    assert check_lock_matches(load_project(folder)) == []
    rng = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(6):
        asked = RANDOM.Asked(RANDOM.random_flags(rng, folder), rng.choice(RANDOM.ASKED), sys.executable)
        assert RANDOM.compare(folder, asked) is None, asked
