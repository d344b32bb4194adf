"""Several commands at once, with real Nix: in one project, and in two projects that share a cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kills import SMALL_FILE, generated_project, small_project, state
from tests.support.stand import REPO, STAND, Stand
from uvlock2nix.pins import read_pins

pytestmark = [pytest.mark.stand]


def start(stand: Stand, cache: Path, *words: str) -> subprocess.Popen[str]:
    env = stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}", "XDG_CACHE_HOME": str(cache)})
    argv = [sys.executable, "-m", "uvlock2nix", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, env=env, cwd=REPO, stdout=pipe, stderr=pipe, text=True)


def ended(running: list[subprocess.Popen[str]]) -> list[tuple[int | None, str]]:
    found = []
    for process in running:
        _, errors = process.communicate(timeout=600)
        assert "Traceback" not in errors
        found.append((process.returncode, errors))
    return found


def test_one_project(stand: Stand, tmp_path: Path) -> None:
    """Two update-hash, generate and check: each ends well or says why not, and the files are whole."""
    root = tmp_path / "app"
    generated_project(root)
    cache = tmp_path / "cache"
    running = [start(stand, cache, "update-hash", str(root)) for _ in range(2)]
    running += [start(stand, cache, "generate", str(root)) for _ in range(2)]
    checking = start(stand, cache, "check", str(root))
    assert [code for code, _ in ended(running)] == [0] * 4
    assert ended([checking])[0][0] in (0, 1)  # before or after the hash was there
    assert read_pins(root / "nix" / "python-deps.json").pin("x86_64-linux") is not None
    assert ended([start(stand, cache, "check", str(root))])[0][0] == 0
    assert not [path for path in root.rglob("*") if "tmp" in path.name]


def test_one_file(stand: Stand, tmp_path: Path) -> None:
    file = tmp_path / "deps.nix"
    file.write_text(SMALL_FILE.replace("SALT", f"once-{os.getpid()}"))
    running = [start(stand, tmp_path / "cache", "update-hash", str(file)) for _ in range(3)]
    assert [code for code, _ in ended(running)] == [0] * 3
    assert "AAAAAAAA" not in file.read_text()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["deps.nix"]


def test_two_projects_that_share_a_cache(stand: Stand, tmp_path: Path) -> None:
    """What both write is as if each had been alone."""
    alone, cache = tmp_path / "alone", tmp_path / "cache"
    small_project(alone, "3.13")
    for command in ("generate", "update-hash"):
        assert ended([start(stand, tmp_path / "own", command, str(alone))])[0][0] == 0
    roots = [tmp_path / name / "alone" for name in ("one", "two")]
    for root in roots:
        small_project(root, "3.13")
    for command in ("generate", "update-hash", "classify"):
        running = [start(stand, cache, command, str(root)) for root in roots for _ in range(2)]
        assert [code for code, _ in ended(running)] == [0] * 4, command
    for root in roots:
        assert state(root) == state(alone)
    assert not [path for path in (cache / "uvlock2nix").rglob(".*") if path.is_file()]
