"""Sparse files: what is written in them is found and copied, their holes stay holes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from uvlock2nix.cloning import copy_content
from uvlock2nix.refs.scan import BLOCK, Hit, Scanner
from uvlock2nix.refs.undo import find_spots
from uvlock2nix.sparse import filled

HASH = "0123456789abcdfghijklmnpqrsvwxyz"
HUGE = 1 << 40


def make(path: Path, parts: dict[int, bytes], size: int = HUGE) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for at, data in parts.items():
            file.seek(at)
            file.write(data)
    return path


def is_sparse(path: Path) -> bool:
    return path.stat().st_blocks * 512 < path.stat().st_size


def parts_of(path: Path) -> list[tuple[int, int]]:
    with path.open("rb") as file:
        return list(filled(file.fileno()))


def test_only_what_is_written(tmp_path: Path) -> None:
    path = make(tmp_path / "x", {1 << 30: b"a" * 10, HUGE - 3: b"end"})
    if not is_sparse(path):
        pytest.skip("the file system of temporary files has no sparse files")
    parts = parts_of(path)
    assert sum(end - begin for begin, end in parts) < 1 << 20
    assert any(begin <= 1 << 30 < end for begin, end in parts)
    assert parts[-1][1] == HUGE


@pytest.mark.parametrize("size", [0, 1, BLOCK, 3 * BLOCK + 1])
def test_a_usual_file_is_one_part(tmp_path: Path, size: int) -> None:
    (tmp_path / "x").write_bytes(b"a" * size)
    assert parts_of(tmp_path / "x") == ([(0, size)] if size else [])
    assert not is_sparse(tmp_path / "x")


def test_references_behind_holes(tmp_path: Path) -> None:
    """Also one that crosses the blocks in which is read."""
    text = f"/nix/store/{HASH}-x".encode()
    places = [0, 1 << 39, (1 << 39) + BLOCK - 20, HUGE - len(text)]
    path = make(tmp_path / "x", dict.fromkeys(places, text))
    with path.open("r+b") as file:  # one part that is larger than a block
        file.seek((1 << 39) + len(text))
        file.write(b"." * (BLOCK - 20 - len(text)))
    found = Scanner([HASH], store_dir="/nix/store").in_path(str(path), HUGE)
    assert found == [Hit(place + 11, HASH) for place in places]
    with path.open("rb") as file:
        assert find_spots(file.fileno()) == []


def test_a_copy_has_the_holes(tmp_path: Path) -> None:
    path = make(tmp_path / "x", {5000: b"a" * 3_000_000, 1 << 30: b"b"}, size=1 << 31)
    made = tmp_path / "made"
    copy_content(path, made)
    assert made.stat().st_size == 1 << 31
    assert parts_of(made) == parts_of(path)
    with path.open("rb") as one, made.open("rb") as other:
        for begin, end in parts_of(path):
            assert os.pread(one.fileno(), end - begin, begin) == os.pread(other.fileno(), end - begin, begin)
