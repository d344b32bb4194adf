"""Mode `files`: how each artifact is fetched, and what pins say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.packages import make_wheel, served
from uvlock2nix.app.missing_hashes import with_hashes
from uvlock2nix.artifacts import Artifact
from uvlock2nix.errors import InputError
from uvlock2nix.fetches import (
    Fetch,
    fetch_of,
    from_json,
    known_hashes,
    logins_from_json,
    sorted_fetches,
    to_json,
    written_url,
)
from uvlock2nix.lock import GitSource, Package, PathSource, RegistrySource, UrlSource
from uvlock2nix.nar import Hash

DIGEST = "ab" * 32
SRI = Hash("sha256", bytes.fromhex(DIGEST)).sri
WHEEL = "x-1.0-py3-none-any.whl"


def package(source: object, version: str | None = "1.0") -> Package:
    return Package(0, "x", version, source)  # type: ignore[arg-type]


def of(source: object, artifact: Artifact, version: str | None = "1.0") -> Fetch:
    return fetch_of(package(source, version), artifact)


def test_a_wheel_of_a_registry() -> None:
    url = f"https://user:secret@index.example/a/{WHEEL}?x=1#sha256={DIGEST}"
    found = of(
        RegistrySource(url="https://index.example/simple"),
        Artifact("wheel", WHEEL, url, hash=f"sha256:{DIGEST}"),
    )
    assert found == Fetch("x", "1.0", "wheel", file=WHEEL, url=f"https://index.example/a/{WHEEL}", hash=SRI)
    assert found.loses_query


@pytest.mark.parametrize("text", [None, "md5:" + "a" * 32, "blake2b:" + "a" * 128])
def test_a_hash_that_nix_does_not_know(text: str | None) -> None:
    url = f"https://index.example/{WHEEL}"
    found = of(RegistrySource(url="https://index.example/simple"), Artifact("wheel", WHEEL, url, hash=text))
    assert found.hash == ""


def test_names_that_the_store_does_not_take() -> None:
    name = "x-1!2.0-py3-none-any.whl"
    url = "https://index.example/x-1%212.0-py3-none-any.whl"
    found = of(RegistrySource(url="https://index.example/simple"), Artifact("wheel", name, url), "1!2.0")
    assert (found.file, found.store) == (name, "x-1-2.0-py3-none-any.whl")


def test_git_path_and_url() -> None:
    git = GitSource(
        url="https://user:secret@git.example/x.git", commit="c" * 40, subdirectory="python", lfs=True
    )
    assert of(git, Artifact("git", "c" * 40)) == Fetch(
        "x", "1.0", "tree", git="https://git.example/x.git", rev="c" * 40, subdirectory="python", lfs=True
    )
    path = PathSource(path="vendor/x-1.0.tar.gz")
    assert of(path, Artifact("sdist", "", path="vendor/x-1.0.tar.gz")) == Fetch(
        "x", "1.0", "sdist", file="x-1.0.tar.gz", path="vendor/x-1.0.tar.gz"
    )
    url = UrlSource(url="https://files.example/main.zip", subdirectory="sub")
    found = of(url, Artifact("sdist", "", url="https://files.example/main.zip", hash=f"sha256:{DIGEST}"))
    assert (found.file, found.subdirectory, found.hash) == ("main.zip", "sub", SRI)


def test_nothing_to_fetch() -> None:
    with pytest.raises(InputError, match="no file to fetch"):
        of(RegistrySource(url="https://index.example/simple"), Artifact("sdist", ""))


ONE = Fetch("x", "1.0", "wheel", file=WHEEL, url=f"https://index.example/{WHEEL}", hash=SRI)
TREE = Fetch("y", "2", "tree", git="https://git.example/y", rev="c" * 40, lfs=True, subdirectory="s")


def test_there_and_back() -> None:
    fetches = sorted_fetches({"x86_64-linux": [TREE, ONE], "aarch64-linux": [ONE]})
    assert [system for system, _ in fetches] == ["aarch64-linux", "x86_64-linux"]
    problems: list[str] = []
    assert from_json(to_json(fetches), "packages", problems) == fetches
    assert problems == []


@pytest.mark.parametrize(
    "raw",
    [
        [],
        {"s": []},
        {"s": {"x": 1}},
        {"s": {"x": {"kind": "egg", "version": "1", "url": "u"}}},
        {"s": {"x": {"kind": "wheel", "version": "1"}}},
        {"s": {"x": {"kind": "wheel", "version": "1", "url": "u", "path": "p"}}},
        {"s": {"x": {"kind": "wheel", "version": 1, "url": "u"}}},
        {"s": {"x": {"kind": "wheel", "version": "1", "url": "u", "hash": "sha256:00"}}},
        {"s": {"x": {"kind": "tree", "version": "1", "git": "u", "rev": "main"}}},
        {"s": {"x": {"kind": "tree", "version": "1", "git": "u", "rev": "c" * 40, "lfs": 1}}},
    ],
)
def test_damaged_pins(raw: object) -> None:
    problems: list[str] = []
    from_json(raw, "packages", problems)
    assert problems


class Notes:
    """A reporter that keeps notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def status(self, status: object) -> None:
        del status


def test_a_file_without_a_hash_gets_one_once(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "index", "x", {"x.py": ""})
    with served(tmp_path / "index") as index:
        url = f"{index.root}/files/{wheel.name}"
        wanted = sorted_fetches({"x86_64-linux": [replace(ONE, url=url, hash="")], "aarch64-linux": [TREE]})
        reporter = Notes()
        found = with_hashes(wanted, (), reporter)  # type: ignore[arg-type]
        import hashlib

        sri = Hash("sha256", hashlib.sha256(wheel.read_bytes()).digest()).sri
        assert known_hashes(found) == {url: sri}
        assert reporter.notes == [f"x: the lock has no hash for {WHEEL}; pinned {sri}"]
        asked = len(index.asked)
        assert with_hashes(wanted, found, reporter) == found  # type: ignore[arg-type]
        assert len(index.asked) == asked
        assert len(reporter.notes) == 1


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://h/a.zip", "https://h/a.zip"),
        ("https://token@h:80/a.zip?sig=s&ref=main#x", "https://h:80/a.zip?ref=main"),
        ("https://h/a?SHA=1&X-Amz-Signature=s&raw", "https://h/a?SHA=1&raw"),
    ],
)
def test_what_is_written_of_a_url(url: str, written: str) -> None:
    assert written_url(url) == written


def test_hosts_and_their_variables() -> None:
    problems: list[str] = []
    raw = {"h.example:80": "UV_INDEX_A_B", "[::1]": ""}
    assert logins_from_json(raw, "logins", problems) == (("[::1]", ""), ("h.example:80", "UV_INDEX_A_B"))
    assert problems == []
    damaged: tuple[object, ...] = (
        [],
        {"h": 1},
        {"h": "HOME"},
        {"h": "UV_INDEX_A;rm"},
        {"a b": ""},
        {"$(x)": ""},
    )
    for wrong in damaged:
        problems = []
        logins_from_json(wrong, "logins", problems)
        assert problems, wrong
