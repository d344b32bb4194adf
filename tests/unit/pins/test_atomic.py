"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from uvlock2nix import atomic
from uvlock2nix.atomic import folder_lock, replace_many, write_atomic
from uvlock2nix.errors import InputError


@pytest.fixture(params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to a temporary file: without a name, and (other systems) with one."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return str(request.param)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_and_old_files(tmp_path: Path, way: str) -> None:
    path = tmp_path / "f"
    write_atomic(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_umask()
    path.chmod(0o640)
    write_atomic(path, b"\0new")
    assert path.read_bytes() == b"\0new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["f"]


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path, way: str) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "real").write_text("old")
    (tmp_path / "link").symlink_to("d/real")
    write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "d" / "real").read_text() == "new"
    assert names(tmp_path / "d") == ["real"]


def test_a_folder_in_the_way_changes_nothing(tmp_path: Path, way: str) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="b: it is not a regular file"):
        replace_many({tmp_path / "a": "new", tmp_path / "b": "new"})
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a", "b"]


def test_a_missing_folder_is_named(tmp_path: Path, way: str) -> None:
    with pytest.raises(InputError, match="gone"):
        write_atomic(tmp_path / "gone" / "f", "x")


def test_a_failing_rename_puts_the_others_back(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if target.name == "c":
            raise OSError(errno.EIO, "broken", str(self), None, str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    changes: Mapping[Path, str] = {tmp_path / "a": "new", tmp_path / "b": "new", tmp_path / "c": "new"}
    with pytest.raises(InputError, match="broken"):
        replace_many(changes)
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_full_disk_changes_nothing(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("old")

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(InputError, match=r"f: No space left") as caught:
        write_atomic(tmp_path / "f", "new")
    assert "full" in caught.value.hint
    assert (tmp_path / "f").read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path, way: str) -> None:
    left = tmp_path / f".f{atomic._MARK}0123"
    left.write_text("half")
    other = tmp_path / f".g{atomic._MARK}0123"
    other.write_text("another file's")
    write_atomic(tmp_path / "f", "new")
    assert names(tmp_path) == [other.name, "f"]


def test_what_a_running_write_holds_is_left_alone(tmp_path: Path, way: str) -> None:
    (tmp_path / "f").write_text("old")
    staged = atomic._stage(tmp_path / "f", b"mine")
    write_atomic(tmp_path / "f", "yours")
    atomic._commit(staged)
    staged.close()
    assert (tmp_path / "f").read_text() == "mine"
    assert names(tmp_path) == ["f"]


def test_many_writers_at_once(tmp_path: Path, way: str) -> None:
    path = tmp_path / "f"
    texts = [str(number) * 10_000 for number in range(8)]
    threads = [threading.Thread(target=write_atomic, args=(path, text)) for text in texts for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert names(tmp_path) == ["f"]


def test_the_folder_is_held(tmp_path: Path) -> None:
    order: list[str] = []
    started = threading.Event()

    def second() -> None:
        started.set()
        with folder_lock(tmp_path):
            order.append("second")

    with folder_lock(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        started.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert names(tmp_path) == []
    with pytest.raises(InputError, match="gone"), folder_lock(tmp_path / "gone"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_stays(tmp_path: Path, way: str) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    os.chown(path, 1234, 2345)
    write_atomic(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)
