"""Every file that is not used keeps its reason; when nothing fits, the error has them all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.locks import locked_file, wheel_package
from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.errors import NoArtifactError
from uvlock2nix.lock import (
    DirectorySource,
    EditableSource,
    GitSource,
    Package,
    PathSource,
    RegistrySource,
    UrlSource,
    UvSettings,
    VirtualSource,
)
from uvlock2nix.target import Target

LINUX = Target.parse("x86_64-linux", "3.12", libc="2.38")
MAC = Target.parse("aarch64-darwin", "3.12", macos="13.0")


def reason(tag: str, target: Target) -> str:
    """Why a wheel with this tag is refused."""
    choice = choose(wheel_package("a", "1.0", tag, sdist=True), target, BuildPolicy())
    assert choice.artifact is not None
    assert choice.artifact.kind == "sdist"
    (rejected,) = choice.rejected
    return rejected.reason


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("cp311-cp311-manylinux_2_17_x86_64", "needs CPython 3.11, target has 3.12"),
        ("cp313-cp313t-manylinux_2_17_x86_64", "needs CPython 3.13t, target has 3.12"),
        ("cp312-cp312t-manylinux_2_17_x86_64", "needs the free-threaded CPython 3.12t"),
        ("cp313-abi3-manylinux_2_17_x86_64", "needs Python ≥ 3.13, target has 3.12"),
        ("py313-none-any", "needs Python ≥ 3.13, target has 3.12"),
        ("py2-none-any", "needs Python 2, target has 3.12"),
        ("py2.cp27-none-any", "needs Python 2, target has 3.12"),
        ("cp39-none-any", "needs CPython 3.9, target has 3.12"),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", "needs PyPy, target has CPython"),
        ("cp312-cp312-manylinux_2_39_x86_64", "needs glibc ≥ 2.39, target has 2.38"),
        ("cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64", "for aarch64"),
        ("cp312-cp312-musllinux_1_2_x86_64", "needs musl ≥ 1.2, target has glibc 2.38"),
        ("cp312-cp312-macosx_11_0_arm64", "for macOS"),
        ("cp312-cp312-win_amd64", "for Windows"),
        ("cp312-cp312-android_21_arm64_v8a", "for Android"),
        ("cp312-cp311-manylinux_2_17_x86_64", "needs the ABI of CPython 3.11"),
        ("cp3-none-any", "has the Python tag cp3, which no installer looks for"),
        ("zz9-none-any", "unknown Python tag zz9"),
        ("py3-none-plan9", "for the platform plan9"),
    ],
)
def test_reasons_on_linux(tag: str, expected: str) -> None:
    assert reason(tag, LINUX) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("cp312-cp312-macosx_15_0_arm64", "needs macOS ≥ 15, target has 13.0"),
        ("cp312-cp312-macosx_11_0_x86_64", "for macOS on x86_64"),
        ("cp312-cp312-manylinux_2_17_x86_64", "for Linux"),
        ("cp312-cp312-musllinux_1_2_x86_64", "for Linux (musl)"),
        (
            "cp312-cp312-macosx_11_1_arm64",
            "has the platform tag macosx_11_1_arm64, which no installer looks for",
        ),
    ],
)
def test_reasons_on_macos(tag: str, expected: str) -> None:
    assert reason(tag, MAC) == expected


def test_reasons_on_free_threaded() -> None:
    target = Target.parse("x86_64-linux", "3.14t")
    assert "with the GIL" in reason("cp314-cp314-manylinux_2_17_x86_64", target)
    assert "with the GIL" in reason("cp39-abi3-manylinux_2_17_x86_64", target)


def test_musl_target_says_glibc() -> None:
    target = Target.parse("x86_64-linux", "3.12", libc="musl-1.1")
    assert reason("cp312-cp312-manylinux_2_17_x86_64", target) == "needs glibc ≥ 2.17, target has musl 1.1"
    assert reason("cp312-cp312-musllinux_1_2_x86_64", target) == "needs musl ≥ 1.2, target has 1.1"


def test_what_lost_says_to_whom() -> None:
    package = wheel_package("a", "1.0", "py3-none-any", "cp312-cp312-manylinux_2_17_x86_64", sdist=True)
    rejected = {item.filename: item.reason for item in choose(package, LINUX, BuildPolicy()).rejected}
    best = "a-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
    assert rejected == {
        "a-1.0-py3-none-any.whl": f"is compatible too, but {best} is preferred",
        "a-1.0.tar.gz": "a wheel fits",
    }


def test_nothing_fits_lists_everything() -> None:
    package = wheel_package("a", "1.0", "cp311-cp311-win_amd64", "cp312-cp312-manylinux_2_39_x86_64")
    with pytest.raises(NoArtifactError) as caught:
        choose(package, LINUX, BuildPolicy())
    message = caught.value.message
    assert "a==1.0" in message
    assert "a-1.0-cp311-cp311-win_amd64.whl: for Windows" in message
    assert "needs glibc ≥ 2.39, target has 2.38" in message
    assert "libc" in caught.value.hint


def test_a_package_without_files_is_an_error() -> None:
    with pytest.raises(NoArtifactError, match="neither a wheel nor an sdist"):
        choose(wheel_package("a", "1.0"), LINUX, BuildPolicy())


def test_long_lists_are_cut() -> None:
    package = wheel_package("a", "1.0", *(f"cp39-cp39-manylinux_2_{n}_x86_64" for n in range(17, 60)))
    with pytest.raises(NoArtifactError, match="and 23 more"):
        choose(package, LINUX, BuildPolicy())


WHEEL_AND_SDIST = wheel_package("a", "1.0", "py3-none-any", sdist=True)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (UvSettings(), "wheel"),
        (UvSettings(no_binary=True), "sdist"),
        (UvSettings(no_binary_package=("a",)), "sdist"),
        (UvSettings(no_binary_package=("b",)), "wheel"),
        (UvSettings(no_binary=False, no_binary_package=("a",)), "wheel"),
        (UvSettings(no_build=True), "wheel"),
        (UvSettings(no_binary=True, no_build_package=("a",)), "wheel"),
        (UvSettings(no_build=True, no_binary_package=("a",)), "sdist"),
    ],
)
def test_policy(settings: UvSettings, kind: str) -> None:
    artifact = choose(WHEEL_AND_SDIST, LINUX, BuildPolicy.from_settings(settings)).artifact
    assert artifact is not None
    assert artifact.kind == kind


@pytest.mark.parametrize(
    "settings",
    [
        UvSettings(no_binary_package=("a",), no_build_package=("a",)),
        UvSettings(no_binary=True, no_build=True),
    ],
)
def test_policy_that_forbids_both(settings: UvSettings) -> None:
    with pytest.raises(NoArtifactError) as caught:
        choose(WHEEL_AND_SDIST, LINUX, BuildPolicy.from_settings(settings))
    assert "no-binary forbids" in caught.value.message
    assert "no-build forbids" in caught.value.message
    assert "[tool.uv]" in caught.value.hint


def package_from(source: object, **more: object) -> Package:
    return replace(wheel_package("a", "1.0"), source=source, **more)  # type: ignore[arg-type]


def test_virtual_is_never_installed_whatever_the_policy() -> None:
    choice = choose(package_from(VirtualSource(".")), LINUX, BuildPolicy(no_build="all"))
    assert choice.artifact is None


def test_directory_and_git_are_built() -> None:
    directory = choose(package_from(DirectorySource("libs/a")), LINUX, BuildPolicy()).artifact
    assert directory is not None
    assert (directory.kind, directory.path) == ("directory", "libs/a")
    source = GitSource("https://git.example/a.git", "0" * 40, subdirectory="python")
    git = choose(package_from(source), LINUX, BuildPolicy()).artifact
    assert git is not None
    assert (git.kind, git.filename, git.url) == ("git", "0" * 40, "https://git.example/a.git")
    with pytest.raises(NoArtifactError, match="no-build forbids"):
        choose(package_from(source), LINUX, BuildPolicy(no_build=frozenset(("a",))))


def test_url_of_a_wheel_and_of_an_sdist() -> None:
    url = "https://files.example/a-1.0-py3-none-any.whl"
    package = package_from(UrlSource(url), wheels=(locked_file("a-1.0-py3-none-any.whl")._replace(url=None),))
    artifact = choose(package, LINUX, BuildPolicy()).artifact
    assert artifact is not None
    assert (artifact.kind, artifact.url) == ("wheel", url)
    with pytest.raises(NoArtifactError, match="no-binary forbids"):
        choose(package, LINUX, BuildPolicy(no_binary="all"))
    archive = choose(
        package_from(UrlSource("https://files.example/a-1.0.zip?x#y")), LINUX, BuildPolicy()
    ).artifact
    assert archive is not None
    assert (archive.kind, archive.filename) == ("sdist", "a-1.0.zip")


def test_paths_of_files_on_disk() -> None:
    archive = choose(package_from(PathSource("vendor/a-1.0.tar.gz")), LINUX, BuildPolicy()).artifact
    assert archive is not None
    assert (archive.kind, archive.path, archive.url) == ("sdist", "vendor/a-1.0.tar.gz", None)
    wheel = locked_file("a-1.0-py3-none-any.whl")._replace(url=None, path="a-1.0-py3-none-any.whl")
    package = package_from(RegistrySource(None, "vendor"), wheels=(wheel,))
    artifact = choose(package, LINUX, BuildPolicy()).artifact
    assert artifact is not None
    assert artifact.path == "vendor/a-1.0-py3-none-any.whl"


@pytest.mark.parametrize("settings", [UvSettings(no_build=True), UvSettings(no_build_package=("a", "b"))])
def test_no_build_spares_the_members_of_the_workspace_as_uv_does(settings: UvSettings) -> None:
    policy = BuildPolicy.from_settings(settings, members=["a"])
    for source in (DirectorySource("."), EditableSource(".")):
        artifact = choose(package_from(source), LINUX, policy).artifact
        assert artifact is not None
        assert artifact.kind == "directory"
    # uv 0.13.9: "can't be installed because it is marked as `--no-build`".
    other = replace(package_from(EditableSource("lib")), name="b")
    with pytest.raises(NoArtifactError, match="no-build forbids"):
        choose(other, LINUX, policy)
