"""Copies have the bytes of what they are copies of, shared or not, and are files of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from uvlock2nix.cloning import copy_content


@pytest.mark.parametrize("size", [0, 1, 4096, 1 << 18, 300_001])
def test_a_copy_is_a_file_of_its_own(tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(size))
    copy_content(source, target)
    assert target.read_bytes() == source.read_bytes()
    before = source.read_bytes()
    target.write_bytes(b"else")
    assert source.read_bytes() == before


def test_what_is_there_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"short")
    (tmp_path / "target").write_bytes(b"something longer")
    copy_content(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"short"


def test_the_permissions(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    copy_content(tmp_path / "source", tmp_path / "target", 0o755)
    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o755


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy_content(tmp_path / "source", tmp_path / "target")
