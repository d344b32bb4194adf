"""The order of tags, and properties of the choice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging import tags as reference

from tests.support.locks import wheel_package
from uvlock2nix.artifacts import BuildPolicy, choose, parse_wheel_name, platform_tags, tags_for
from uvlock2nix.artifacts.reasons import rejection
from uvlock2nix.target import SYSTEMS, Target

PYTHONS = ["3.9", "3.11.4", "3.12", "3.13t", "3.14", "3.14t", "3.15"]
TARGETS = [Target.parse(system, python) for system in SYSTEMS for python in PYTHONS]
TARGETS += [Target.parse("x86_64-linux", "3.12", libc=libc) for libc in ("2.17", "2.5", "musl", "musl-1.1")]
TARGETS += [
    Target.parse("x86_64-darwin", "3.12", macos="10.15"),
    Target.parse("aarch64-darwin", "3.12", macos="26"),
]


def test_platforms_of_glibc() -> None:
    found = platform_tags(Target.parse("x86_64-linux", "3.12", libc="2.18"))
    assert found[:4] == (
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_16_x86_64",
    )
    assert found[-3:] == ("manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64")


def test_platforms_of_other_linux() -> None:
    arm = platform_tags(Target.parse("aarch64-linux", "3.12", libc="2.18"))
    assert arm == (
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
        "linux_aarch64",
    )
    assert platform_tags(Target.parse("riscv64-linux", "3.12", libc="2.31")) == (
        "manylinux_2_31_riscv64",
        "linux_riscv64",
    )
    assert platform_tags(Target.parse("x86_64-linux", "3.12", libc="musl-1.1")) == (
        "musllinux_1_1_x86_64",
        "musllinux_1_0_x86_64",
        "linux_x86_64",
    )


@pytest.mark.parametrize("version", [(13, 0), (11, 0), (26, 0), (10, 15)])
@pytest.mark.parametrize(("system", "arch"), [("x86_64-darwin", "x86_64"), ("aarch64-darwin", "arm64")])
def test_platforms_of_macos_are_packaging_s(version: tuple[int, int], system: str, arch: str) -> None:
    if arch == "arm64" and version[0] == 10:
        assert platform_tags(Target.parse(system, "3.12", macos="10.15")) == ()
        return
    ours = platform_tags(Target.parse(system, "3.12", macos=f"{version[0]}.{version[1]}"))
    # packaging 26.3 spells the last of the old formats "fat3".
    assert list(ours) == [re.sub(r"fat3$", "fat32", tag) for tag in reference.mac_platforms(version, arch)]


@pytest.mark.parametrize("python", ["3.9", "3.12", "3.14"])
def test_order_is_packaging_s(python: str) -> None:
    """An independent writer of the same order: every pair of wheels is ranked alike."""
    target = Target.parse("x86_64-linux", python, libc="2.17")
    tags, platforms = tags_for(target), platform_tags(target)
    version = (target.python.major, target.python.minor_number)
    interpreter = f"cp3{target.python.minor_number}"
    expected = list(reference.cpython_tags(version, [interpreter], platforms))
    expected += list(reference.compatible_tags(version, interpreter, platforms))
    # packaging also admits cpXY-none of older interpreters' abi3 ranges; uv does not, so only what we have.
    ranks = [tags.rank((tag.interpreter,), (tag.abi,), (tag.platform,)) for tag in expected]
    known = [rank for rank in ranks if rank is not None]
    assert known == sorted(known)
    assert len(known) == len(set(known)) >= len(platforms) * 20


TAGS = st.tuples(
    st.sampled_from(["cp312", "cp311", "cp313", "cp39", "py3", "py2.py3", "py312", "cp314", "cp3", "pp310"]),
    st.sampled_from(["cp312", "cp311", "abi3", "none", "cp314t", "abi3t", "abi3.abi3t", "pypy310_pp73"]),
    st.sampled_from(
        [
            "any",
            "manylinux_2_17_x86_64.manylinux2014_x86_64",
            "manylinux_2_39_aarch64",
            "manylinux_2_99_x86_64",
            "musllinux_1_1_x86_64",
            "linux_x86_64",
            "macosx_11_0_arm64",
            "macosx_10_9_universal2",
            "win_amd64",
            "any.win32",
        ]
    ),
).map("-".join)


@given(st.lists(TAGS, min_size=1, max_size=8, unique=True), st.sampled_from(TARGETS), st.randoms())
def test_order_in_the_lock_does_not_matter(tags: list[str], target: Target, rng: object) -> None:
    """The rank decides; and exactly the unused files are the rejected ones."""
    policy = BuildPolicy()
    first = choose(wheel_package("a", "1.0", *tags, sdist=True), target, policy)
    shuffled = list(tags)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    second = choose(wheel_package("a", "1.0", *shuffled, sdist=True), target, policy)
    assert first.artifact is not None
    assert second.artifact is not None
    ranks = [rank_of(choice.artifact.filename, target) for choice in (first, second) if choice.artifact]
    assert ranks[0] == ranks[1]
    everything = {f"a-1.0-{tag}.whl" for tag in tags} | {"a-1.0.tar.gz"}
    assert {item.filename for item in first.rejected} == everything - {first.artifact.filename}
    assert all(item.reason for item in first.rejected)


def rank_of(filename: str, target: Target) -> tuple[int, int] | None:
    name = parse_wheel_name(filename)
    return tags_for(target).rank(name.tags.pythons, name.tags.abis, name.tags.platforms) if name else None


@given(TAGS, st.sampled_from(TARGETS))
def test_every_refused_wheel_has_a_reason(tag: str, target: Target) -> None:
    name = parse_wheel_name(f"a-1.0-{tag}.whl")
    assert name is not None
    tags = tags_for(target)
    if tags.rank(name.tags.pythons, name.tags.abis, name.tags.platforms) is None:
        assert rejection(name.tags, tags, target)


@given(st.text(max_size=60))
def test_wheel_names_of_any_text(text: str) -> None:
    for name in (text, f"{text}.whl", f"a-1-{text}-py3-none-any.whl", f"a-1.0-py3-none-{text}.whl"):
        parsed = parse_wheel_name(name)
        if parsed is not None:
            assert parsed.tags.pythons
            assert parsed.tags.abis
            assert parsed.tags.platforms


@pytest.mark.parametrize(
    "name",
    [
        "a.whl",
        "a-1.0.whl",
        "a-1.0-py3-none.whl",
        "a-1.0-x1-py3-none-any.whl",
        "a-1.0-1-2-py3-none-any.whl",
        "a-1.0-py3-none-.whl",
    ],
)
def test_wrong_wheel_names(name: str) -> None:
    assert parse_wheel_name(name) is None
