"""Targets: what people write, and what markers see."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.locks import LOCKS
from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.baselines import latest_patch
from uvlock2nix.target import SYSTEMS, Glibc, Musl, PythonVersion, Target

ORACLE = json.loads((LOCKS / "oracle.json").read_text())


@pytest.mark.parametrize(
    ("text", "full", "minor", "free"),
    [
        ("3.12", f"3.12.{latest_patch()[12]}", "3.12", False),
        ("3.12.4", "3.12.4", "3.12", False),
        ("3.14t", f"3.14.{latest_patch()[14]}", "3.14", True),
        ("3.13.1t", "3.13.1", "3.13", True),
        ("3.9", f"3.9.{latest_patch()[9]}", "3.9", False),
    ],
)
def test_python_versions(text: str, full: str, minor: str, free: bool) -> None:
    version = PythonVersion.parse(text)
    assert (version.full, version.minor, version.freethreaded) == (full, minor, free)
    assert PythonVersion.parse(str(version)) == version


@pytest.mark.parametrize(
    "text", ["", "3", "3.8", "3.16", "2.7", "4.0", "3.12.", "3.12t.1", "3.12t", "3.12.0rc1", "٣.12"]
)
def test_wrong_python_versions(text: str) -> None:
    with pytest.raises(UsageError):
        PythonVersion.parse(text)


@pytest.mark.parametrize(
    ("text", "libc"),
    [
        (None, Glibc(2, 40)),
        ("2.38", Glibc(2, 38)),
        ("glibc-2.38", Glibc(2, 38)),
        ("glibc", Glibc(2, 40)),
        ("musl", Musl(1, 2)),
        ("musl-1.1", Musl(1, 1)),
    ],
)
def test_libcs(text: str | None, libc: Glibc | Musl) -> None:
    assert Target.parse("x86_64-linux", "3.12", libc=text).libc == libc


@pytest.mark.parametrize(
    ("text", "macos"), [(None, (13, 0)), ("14", (14, 0)), ("10.15", (10, 15)), ("15.1.2", (15, 1))]
)
def test_macos(text: str | None, macos: tuple[int, int]) -> None:
    assert Target.parse("aarch64-darwin", "3.12", macos=text).macos == macos


@pytest.mark.parametrize(
    "wrong",
    [
        {"system": "i686-linux"},
        {"libc": ""},
        {"libc": "uclibc-1"},
        {"libc": "2"},
        {"macos": "9.0"},
        {"macos": "x"},
    ],
)
def test_wrong_parts_are_named(wrong: dict[str, str]) -> None:
    given_parts = {"system": "x86_64-linux", "python": "3.12", **wrong}
    with pytest.raises(UsageError) as caught:
        Target.parse(**given_parts)
    assert next(iter(wrong.values())) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", sorted(ORACLE["envs"]))
def test_marker_environments_are_uv_s(name: str) -> None:
    recorded = dict(ORACLE["envs"][name])
    recorded.pop("extra")
    machine = recorded["platform_machine"].replace("arm64", "aarch64")
    system = f"{machine}-{recorded['sys_platform']}"
    assert Target.parse(system, recorded["python_full_version"]).marker_environment() == recorded


@given(st.text(max_size=20), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_a_target_or_a_usage_error(system: str, python: str, libc: str, macos: str) -> None:
    for name in (system, *SYSTEMS[:1]):
        with suppress(UsageError):
            Target.parse(name, python, libc=libc, macos=macos)
