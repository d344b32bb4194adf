"""Where nixpkgs comes from: the option, flake.lock, NIX_PATH."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.nixrun.nixpkgs import find_nixpkgs

REV = "a" * 40
NAR = "sha256-pQpattmS9VmO3ZIQUFn66az8GSmB4IvYhTTCFn6SUmo="
NOTHING = {"HOME": "/nonexistent", "NIX_STATE_DIR": "/nonexistent"}
SEARCH = {"NIX_PATH": "nixpkgs=/x"}


def lock(folder: Path, locked: dict[str, object], inputs: object = None, original: object = None) -> None:
    nodes = {
        "root": {"inputs": inputs or {"nixpkgs": "nixpkgs_2"}},
        "nixpkgs_2": {"locked": locked, "original": original or {}},
        "other": {"inputs": {"nixpkgs": "nixpkgs_2"}},
    }
    (folder / "flake.lock").write_text(json.dumps({"nodes": nodes, "root": "root", "version": 7}))


def test_what_is_said_wins(tmp_path: Path) -> None:
    lock(tmp_path, {"type": "path", "path": "/p"})
    (tmp_path / "np").mkdir()
    source = find_nixpkgs(str(tmp_path / "np"), tmp_path, SEARCH)
    assert dict(source.args) == {"nixpkgsPath": str(tmp_path / "np")}


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("nixpkgs", "nixpkgsFlake"),
        ("github:NixOS/nixpkgs/nixos-unstable", "nixpkgsFlake"),
        ("git+https://e.org/nixpkgs", "nixpkgsFlake"),
        ("https://e.org/nixexprs.tar.xz", "nixpkgsUrl"),
        ("https://e.org/a/1.tar.gz", "nixpkgsUrl"),
    ],
)
def test_references(text: str, argument: str, tmp_path: Path) -> None:
    assert find_nixpkgs(text, tmp_path, NOTHING).args == ((argument, text),)


@pytest.mark.parametrize("text", ["./gone", "/gone/there", "~/gone", "a b", "<nixpkgs>"])
def test_what_is_neither_path_nor_reference(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither an existing path nor"):
        find_nixpkgs(text, tmp_path, SEARCH)


@pytest.mark.parametrize(
    ("locked", "args"),
    [
        (
            {"type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": REV, "narHash": NAR},
            {"nixpkgsUrl": f"https://github.com/NixOS/nixpkgs/archive/{REV}.tar.gz", "nixpkgsHash": NAR},
        ),
        (
            {"type": "gitlab", "owner": "o", "repo": "r", "rev": REV, "narHash": NAR, "host": "g.org"},
            {
                "nixpkgsUrl": f"https://g.org/api/v4/projects/o%2Fr/repository/archive.tar.gz?sha={REV}",
                "nixpkgsHash": NAR,
            },
        ),
        (
            {"type": "tarball", "url": "https://channels.nixos.org/x.tar.xz", "narHash": NAR},
            {"nixpkgsUrl": "https://channels.nixos.org/x.tar.xz", "nixpkgsHash": NAR},
        ),
        ({"type": "path", "path": "/p"}, {"nixpkgsPath": "/p"}),
        (
            {"type": "git", "url": "https://e.org/n", "rev": REV},
            {"nixpkgsGit": "https://e.org/n", "nixpkgsRev": REV},
        ),
    ],
)
def test_the_lock_of_a_flake(locked: dict[str, object], args: dict[str, str], tmp_path: Path) -> None:
    lock(tmp_path, locked)
    found = find_nixpkgs(None, tmp_path, SEARCH)
    assert dict(found.args) == args
    assert found.revision == locked.get("rev", "")


@pytest.mark.parametrize(
    ("original", "release"),
    [
        ({"type": "github", "ref": "nixos-26.11"}, "26.11"),
        ({"type": "github", "ref": "nixpkgs-26.05-darwin"}, "26.05"),
        ({"type": "tarball", "url": "https://channels.nixos.org/nixos-25.11/nixexprs.tar.xz"}, "25.11"),
        ({"type": "github", "ref": "nixos-unstable"}, ""),
        ({"type": "indirect", "id": "nixpkgs"}, ""),
    ],
)
def test_the_release_that_a_lock_follows(original: dict[str, str], release: str, tmp_path: Path) -> None:
    lock(tmp_path, {"type": "path", "path": "/p"}, original=original)
    assert find_nixpkgs(None, tmp_path, NOTHING).release == release


def test_an_input_that_follows_another(tmp_path: Path) -> None:
    lock(tmp_path, {"type": "path", "path": "/p"}, {"other": "other", "nixpkgs": ["other", "nixpkgs"]})
    assert find_nixpkgs(None, tmp_path, NOTHING).args == (("nixpkgsPath", "/p"),)


def test_the_lock_of_the_repository_around(tmp_path: Path) -> None:
    lock(tmp_path, {"type": "path", "path": "/p"})
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_nixpkgs(None, tmp_path / "a" / "b", NOTHING).args == (("nixpkgsPath", "/p"),)
    (tmp_path / "a" / ".git").mkdir()  # a different repository: the lock above does not belong to it
    assert find_nixpkgs(None, tmp_path / "a" / "b", SEARCH).args == ()


def test_a_lock_without_nixpkgs_leaves_the_search_path(tmp_path: Path) -> None:
    lock(tmp_path, {"type": "path", "path": "/p"}, {"other": "other"})
    assert find_nixpkgs(None, tmp_path, SEARCH).args == ()


@pytest.mark.parametrize(
    "locked",
    [
        {"type": "github", "owner": "o", "repo": "r", "rev": "main", "narHash": NAR},
        {"type": "github", "owner": "o", "repo": "r", "rev": REV},
        {"type": "github", "owner": 1, "repo": "r", "rev": REV, "narHash": NAR},
        {"type": "telepathy"},
    ],
)
def test_a_lock_that_says_something_impossible(locked: dict[str, object], tmp_path: Path) -> None:
    lock(tmp_path, locked)
    with pytest.raises(InputError, match=r"flake\.lock is not a lock file"):
        find_nixpkgs(None, tmp_path, SEARCH)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"nodes": {}, "root": "x"}', "null", '{"nodes": 1, "root": []}']
)
def test_a_damaged_lock(text: str, tmp_path: Path) -> None:
    (tmp_path / "flake.lock").write_text(text)
    with pytest.raises(InputError, match=r"flake\.lock is not a lock file"):
        find_nixpkgs(None, tmp_path, SEARCH)


def test_a_lock_that_goes_round(tmp_path: Path) -> None:
    lock(tmp_path, {"type": "path", "path": "/p"}, {"nixpkgs": ["nixpkgs"]})
    with pytest.raises(InputError):
        find_nixpkgs(None, tmp_path, SEARCH)


@pytest.mark.parametrize(
    ("path", "there"), [("nixpkgs=/x:a=b", True), ("/x", True), ("a=b", False), ("", False)]
)
def test_the_search_path(path: str, there: bool, tmp_path: Path) -> None:
    environ = {**NOTHING, "NIX_PATH": path}
    if there:
        assert find_nixpkgs(None, tmp_path, environ).args == ()
    else:
        with pytest.raises(ToolError, match="no nixpkgs"):
            find_nixpkgs(None, tmp_path, environ)
        assert find_nixpkgs(None, tmp_path, environ, optional=True).args == ()


def test_the_channel_of_a_user(tmp_path: Path) -> None:
    (tmp_path / ".nix-defexpr" / "channels" / "nixpkgs").mkdir(parents=True)
    assert find_nixpkgs(None, tmp_path, {"HOME": str(tmp_path), "NIX_STATE_DIR": "/nonexistent"}).args == ()
