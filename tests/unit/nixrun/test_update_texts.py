"""What update-hash tells: commit messages, platforms, progress."""

from __future__ import annotations

import io

import pytest

from uvlock2nix.app.commit_message import differences, versions
from uvlock2nix.app.hash_without_nix import platform_of
from uvlock2nix.cli.progress import Progress
from uvlock2nix.errors import UsageError
from uvlock2nix.nixrun.stream import Status
from uvlock2nix.target import Target


def test_versions_of_a_lock() -> None:
    lock = b"""version = 1
[[package]]
name = "a"
version = "1"
[[package]]
name = "a"
version = "2"
[[package]]
name = "editable"
"""
    assert versions(lock) == {"a": ("1", "2")}
    assert versions(b"\xff") == versions(b"= =") == versions(b"package = 1") == {}


def test_differences_of_two_locks() -> None:
    before = {"a": ("1",), "b": ("1",), "c": ("1", "2"), "same": ("1",)}
    now = {"a": ("2",), "c": ("2",), "d": ("1",), "same": ("1",)}
    assert differences(before, now) == ("a 1 → 2", "b 1 (removed)", "c 1, 2 → 2", "d 1 (new)")


@pytest.mark.parametrize(
    ("system", "libc", "name"),
    [
        ("x86_64-linux", "glibc-2.40", "x86_64-manylinux_2_40"),
        ("aarch64-linux", "glibc-2.42", "aarch64-manylinux_2_40"),
        ("aarch64-linux", "glibc-2.30", "aarch64-manylinux_2_28"),
        ("x86_64-linux", "musl-1.2", "x86_64-unknown-linux-musl"),
        ("aarch64-darwin", None, "aarch64-apple-darwin"),
    ],
)
def test_platforms(system: str, libc: str | None, name: str) -> None:
    assert platform_of(Target.parse(system, "3.13", libc=libc)) == name


def test_a_platform_that_uv_does_not_have() -> None:
    with pytest.raises(UsageError, match="riscv64-linux"):
        platform_of(Target.parse("riscv64-linux", "3.13"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_nothing_elsewhere() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        with Progress(file=stream) as progress:
            progress(Status("/nix/store/00000000000000000000000000000000-app-deps.drv", "compiling"))
            progress(Status(None, "downloading", 1 << 20, 4 << 20))
    assert "app-deps · compiling" in terminal.getvalue()
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == ""
