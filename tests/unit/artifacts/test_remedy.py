"""Which option makes a wheel fit; each is tried."""

from __future__ import annotations

import pytest

from uvlock2nix.artifacts.remedy import remedy
from uvlock2nix.artifacts.tags import tags_for
from uvlock2nix.artifacts.wheelname import parse_wheel_name
from uvlock2nix.target import Target

MAC = Target.parse("aarch64-darwin", "3.13")
LINUX = Target.parse("x86_64-linux", "3.13")


@pytest.mark.parametrize(
    ("target", "tags", "option"),
    [
        (MAC, ["cp313-cp313-macosx_15_0_arm64", "cp313-cp313-macosx_14_0_arm64"], "--macos 14.0"),
        (MAC, ["cp312-cp312-macosx_14_0_arm64"], "--system"),
        (MAC, ["cp312-cp312-macosx_11_0_arm64"], "--python 3.12"),
        (MAC, ["cp313-cp313-macosx_14_0_x86_64"], "--system"),
        (LINUX, ["cp313-cp313-manylinux_2_45_x86_64"], "--libc glibc-2.45"),
        (LINUX, ["cp39-cp39-manylinux_2_28_x86_64"], "--python 3.9"),
        (LINUX, ["cp313-cp313-win_amd64"], "--system"),
        (LINUX, [], "--system"),
    ],
)
def test_the_smallest_change_that_makes_a_wheel_fit(target: Target, tags: list[str], option: str) -> None:
    names = [f"a-1.0-{tag}.whl" for tag in tags]
    assert option in remedy(names, target)


def test_the_macos_that_is_named_works() -> None:
    name = parse_wheel_name("a-1.0-cp313-cp313-macosx_14_0_arm64.whl")
    assert name is not None
    for macos, fits in (("13.0", False), ("14.0", True)):
        tags = tags_for(Target.parse("aarch64-darwin", "3.13", macos=macos))
        assert (tags.rank(name.tags.pythons, name.tags.abis, name.tags.platforms) is not None) is fits
