"""Every benchmark and fuzz target says what it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stand import REPO

PROGRAMS = sorted(path for folder in ("benchmarks", "tests/fuzz") for path in (REPO / folder).glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_has_a_help(program: Path) -> None:
    argv = [sys.executable, str(program), "--help"]
    done = subprocess.run(argv, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {program.name}")
