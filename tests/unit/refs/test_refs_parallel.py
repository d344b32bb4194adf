from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.refs import store_path
from uvlock2nix.errors import RefsError
from uvlock2nix.refs import parallel
from uvlock2nix.refs.scan import Scanner, walk

HASH = store_path("a-1").hash


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}").write_bytes(b"x" * number + HASH.encode() * (number % 3))
    entries = list(walk(tmp_path))
    scanner = Scanner([HASH], store_dir="/nix/store")
    alone = [scanner.in_path(f"{tmp_path}/{entry.path}", entry.size) or () for entry in entries]
    assert parallel.scan_files(tmp_path, entries, scanner, workers=3) == alone
    assert sum(map(len, alone)) == 19


def test_an_error_in_any_process_is_the_callers(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / str(number)).write_bytes(b"x")
    entries = list(walk(tmp_path))
    for number in range(6):
        (tmp_path / str(number)).unlink()
        with pytest.raises(RefsError, match="cannot be read"):
            parallel.scan_files(tmp_path, entries, Scanner([HASH], store_dir="/nix/store"), workers=3)
        (tmp_path / str(number)).write_bytes(b"x")


def test_nix_says_how_many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIX_BUILD_CORES", "1")
    assert parallel.cores() == 1
    for text in ("0", "", "many"):
        monkeypatch.setenv("NIX_BUILD_CORES", text)
        assert parallel.cores() >= 1
