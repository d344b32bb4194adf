"""The cases that wheel choosers get wrong, one test each, with uv's answers."""

from __future__ import annotations

import pytest

from tests.support.locks import wheel_package
from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.lock import Package
from uvlock2nix.target import Target

NO_POLICY = BuildPolicy()


def chosen(package: Package, target: Target) -> str:
    artifact = choose(package, target, NO_POLICY).artifact
    assert artifact is not None
    return artifact.filename


def linux(python: str = "3.12", libc: str | None = None) -> Target:
    return Target.parse("x86_64-linux", python, libc=libc)


def test_platform_wheel_beats_any() -> None:
    package = wheel_package(
        "tensorboard_data_server",
        "0.7.2",
        "py3-none-any",
        "py3-none-macosx_10_9_x86_64",
        "py3-none-manylinux_2_31_x86_64",
    )
    assert chosen(package, linux(libc="2.31")).endswith("py3-none-manylinux_2_31_x86_64.whl")
    assert chosen(package, linux(libc="2.30")).endswith("py3-none-any.whl")


def test_newest_manylinux_first() -> None:
    tags = [
        f"cp311-abi3-{p}" for p in ("manylinux2014_x86_64.manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
    ]
    package = wheel_package("cryptography", "50.0.0", *tags, "cp311-abi3-manylinux_2_34_x86_64")
    assert "manylinux_2_34" in chosen(package, linux())
    assert "manylinux_2_28" in chosen(package, linux(libc="2.33"))
    assert "manylinux2014" in chosen(package, linux(libc="2.17"))


@pytest.mark.parametrize("order", [1, -1])
def test_exact_abi_beats_abi3(order: int) -> None:
    tags = ["cp312-abi3-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_17_x86_64"][::order]
    assert "cp312-cp312" in chosen(wheel_package("a", "1.0", *tags), linux())


def test_older_interpreter_tag_without_abi_does_not_fit() -> None:
    package = wheel_package("a", "1.0", "cp39-none-any", sdist=True)
    assert chosen(package, linux()) == "a-1.0.tar.gz"
    assert chosen(package, linux("3.9")) == "a-1.0-cp39-none-any.whl"


def test_build_tags_are_numbers() -> None:
    names = [f"a-1.0-{build}-py3-none-any.whl" for build in ("1", "9", "10")]
    assert chosen(wheel_package("a", "1.0", *names), linux()) == "a-1.0-10-py3-none-any.whl"


def test_a_build_tag_beats_none_and_letters_break_ties() -> None:
    assert chosen(wheel_package("a", "1.0", "py3-none-any", "1-py3-none-any"), linux()).endswith(
        "1-py3-none-any.whl"
    )
    names = ("1b-py3-none-any", "1a-py3-none-any", "1-py3-none-any")
    assert chosen(wheel_package("a", "1.0", *names), linux()).endswith("1b-py3-none-any.whl")


@pytest.mark.parametrize("order", [1, -1])
def test_mac_exact_interpreter_beats_nearer_platform(order: int) -> None:
    tags = ["cp313-cp313-macosx_10_13_universal2", "py3-none-macosx_11_0_arm64"][::order]
    mac = Target.parse("aarch64-darwin", "3.13", macos="14")
    assert "cp313-cp313" in chosen(wheel_package("a", "1.0", *tags), mac)


def test_free_threaded_takes_no_gil_wheel() -> None:
    package = wheel_package(
        "a", "1.0", "cp314-cp314-manylinux_2_28_x86_64", "cp39-abi3-manylinux_2_28_x86_64", sdist=True
    )
    assert chosen(package, linux("3.14t")) == "a-1.0.tar.gz"
    both = wheel_package(
        "a", "1.0", "cp314-cp314-manylinux_2_28_x86_64", "cp314-cp314t-manylinux_2_28_x86_64"
    )
    assert "cp314t" in chosen(both, linux("3.14t"))
    assert "cp314-cp314-" in chosen(both, linux("3.14"))


def test_free_threaded_takes_pure_and_abi3t() -> None:
    assert chosen(wheel_package("a", "1.0", "py3-none-any"), linux("3.14t")).endswith("any.whl")
    stable = wheel_package("a", "1.0", "cp314-abi3t-manylinux_2_28_x86_64", "py3-none-any")
    assert "abi3t" in chosen(stable, linux("3.14t"))


def test_the_first_of_equals_is_taken() -> None:
    package = wheel_package("a", "1.0", "A-1.0-py2.py3-none-any.whl", "a-1.0-py3-none-any.whl")
    assert chosen(package, linux()) == "A-1.0-py2.py3-none-any.whl"


def test_plain_linux_tag_is_last() -> None:
    package = wheel_package("a", "1.0", "cp312-cp312-linux_x86_64", "cp312-cp312-manylinux1_x86_64")
    assert "manylinux1" in chosen(package, linux())
    assert "linux_x86_64" in chosen(wheel_package("a", "1.0", "cp312-cp312-linux_x86_64"), linux())


def test_musl_takes_no_manylinux() -> None:
    package = wheel_package(
        "a", "1.0", "cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-musllinux_1_1_x86_64"
    )
    assert "musllinux_1_1" in chosen(package, linux(libc="musl"))
    assert "manylinux" in chosen(package, linux())


def test_riscv_needs_its_own_wheels() -> None:
    package = wheel_package(
        "a", "1.0", "cp312-cp312-manylinux_2_39_riscv64", "cp312-cp312-manylinux_2_17_x86_64", "py3-none-any"
    )
    assert "riscv64" in chosen(package, Target.parse("riscv64-linux", "3.12"))


@pytest.mark.parametrize(
    ("macos", "expected"),
    [
        ("15.1", "macosx_14_0"),
        ("14.0", "macosx_14_0"),
        ("13.6", "macosx_12_0"),
        ("11", "macosx_10_9_universal2"),
    ],
)
def test_minimum_macos_decides(macos: str, expected: str) -> None:
    tags = [f"cp312-cp312-{p}" for p in ("macosx_10_9_universal2", "macosx_12_0_arm64", "macosx_14_0_arm64")]
    assert expected in chosen(
        wheel_package("a", "1.0", *tags), Target.parse("aarch64-darwin", "3.12", macos=macos)
    )
