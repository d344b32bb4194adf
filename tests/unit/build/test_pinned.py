"""Locked build requirements where builds run."""

from __future__ import annotations

import base64
import hashlib
import threading
from pathlib import Path

import pytest

from uvlock2nix.build.pinned import Pinned, unmet
from uvlock2nix.build_pins import BuildPins, LockedBuild, PinnedFile
from uvlock2nix.errors import InputError

MARKERS = {"python_version": "3.13", "extra": ""}


def pinned_file(content: bytes, **where: str) -> PinnedFile:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return PinnedFile("tool-1.0.tar.gz", "tool", "1.0", f"sha256-{digest}", **where)  # type: ignore[arg-type]


def pinned(tmp_path: Path, file: PinnedFile, **more: object) -> Pinned:
    build = LockedBuild("app", "1", "0" * 16, "2025-01-01T00:00:00Z", files=(file.key,))
    pins = BuildPins((file,), (("x86_64-linux", (build,)),))
    return Pinned(pins, "x86_64-linux", tmp_path, tmp_path / "fetched", **more)  # type: ignore[arg-type]


def test_a_file_of_the_project_is_checked(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    place = tmp_path / "vendor" / "tool-1.0.tar.gz"
    place.write_bytes(b"good")
    shop = pinned(tmp_path, pinned_file(b"good", path="vendor/tool-1.0.tar.gz"))
    (file,) = shop.files(shop.of("app").files)  # type: ignore[union-attr]
    assert shop.path(file) == place
    place.write_bytes(b"bad")
    fresh = pinned(tmp_path, file)
    with pytest.raises(InputError, match="the hash is"):
        fresh.path(file)


def test_a_file_that_is_given_is_not_fetched(tmp_path: Path) -> None:
    place = tmp_path / "store-tool-1.0.tar.gz"
    place.write_bytes(b"good")
    file = pinned_file(b"good", url="http://127.0.0.1:1/tool-1.0.tar.gz")
    assert pinned(tmp_path, file, given={file.key: place}).path(file) == place


def test_what_is_not_locked_is_none(tmp_path: Path) -> None:
    file = pinned_file(b"", path="x")
    shop = pinned(tmp_path, file)
    assert shop.of("other") is None
    with pytest.raises(InputError, match="is recorded for"):
        shop.of_sdist(file)


def test_two_threads_make_a_thing_once(tmp_path: Path) -> None:
    shop = pinned(tmp_path, pinned_file(b"", path="x"))
    started, go, made = threading.Event(), threading.Event(), []

    def make() -> Path:
        started.set()
        go.wait(10)
        made.append(1)
        return tmp_path

    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(shop.once("x", make))) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait(10)
    go.set()
    for thread in threads:
        thread.join()
    assert (found, made) == ([tmp_path] * 3, [1])


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (["setuptools>=40"], ()),
        (["Setup_Tools"], ("Setup_Tools",)),
        (["setuptools<70"], ("setuptools<70",)),
        (["wheel; python_version < '3'"], ()),
        (["wheel; python_version > '3'", "wheel; python_version > '3'"], ("wheel; python_version > '3'",)),
        (["not a requirement"], ("not a requirement",)),
    ],
)
def test_what_is_not_met(asked: list[str], left: tuple[str, ...]) -> None:
    assert unmet(asked, {"setuptools": "75.1"}, MARKERS) == left
