from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.build.backend import config_settings
from uvlock2nix.build.environment import from_wheel
from uvlock2nix.build.requirements import BuildSystem, effective_requires, read_build_system
from uvlock2nix.build.values import Build, NativeBuild, Source, parse_native
from uvlock2nix.errors import InputError

LINUX = {"sys_platform": "linux", "python_version": "3.12"}


def requires(*declared: str, **options: object) -> tuple[str, ...]:
    return effective_requires(declared, what="building x", **options)  # type: ignore[arg-type]


def test_as_declared() -> None:
    assert requires("setuptools >= 61", "wheel") == ("setuptools>=61", "wheel")


def test_the_version_of_the_environment_is_asked_for_where_it_is_admitted() -> None:
    assert requires("LXML>=4", locked={"lxml": "6.0.2"}) == ("LXML==6.0.2",)
    assert requires("lxml<5", locked={"lxml": "6.0.2"}) == ("lxml<5",)
    assert requires("lxml", locked={"lxml": "6.0rc1"}) == ("lxml==6.0rc1",)


def test_relaxed_pins_give_way_to_the_environment_only() -> None:
    assert requires("lxml==5.0", locked={"lxml": "6.0.2"}, relax=["Lxml"]) == ("lxml==6.0.2",)
    assert requires("lxml==5.0", relax=["lxml"]) == ("lxml==5.0",)


def test_added_only_where_not_declared() -> None:
    assert requires("Setuptools>=61", added=["setuptools", "wheel"]) == ("Setuptools>=61", "wheel")
    # One whose marker does not hold is not declared.
    assert requires("wheel; sys_platform == 'win32'", added=["wheel"], marker_environment=LINUX) == ("wheel",)


def test_markers_are_those_of_the_target() -> None:
    declared = ("a; sys_platform == 'darwin'", "b; python_version < '3.13'", "c; extra == 'x'")
    assert requires(*declared, marker_environment=LINUX) == ("b",)


def test_what_has_a_url_keeps_it() -> None:
    text = "lxml @ https://files.example/lxml.whl"
    assert requires(text, locked={"lxml": "6.0.2"}, relax=["lxml"]) == (text,)


@pytest.mark.parametrize("text", ["", "--index-url=x", "-r /etc/passwd", "a b", "a>=", "a\nb", "../x"])
def test_hostile_requirements(text: str) -> None:
    with pytest.raises(InputError, match="building x"):
        requires(text)


def test_versions_that_are_none() -> None:
    assert requires("a>=1", locked={"a": "not a version"}) == ("a>=1",)
    assert requires("a>=1", locked={"a": ""}) == ("a>=1",)


@given(st.text(max_size=40))
def test_any_text_is_a_requirement_or_an_error(text: str) -> None:
    try:
        found = requires(text, marker_environment=LINUX)
    except InputError:
        return
    # One line each, and nothing that uv could take for an option.
    assert all("\n" not in one and not one.startswith("-") for one in found)


def write(tmp_path: Path, text: str | bytes) -> Path:
    (tmp_path / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def test_the_defaults_of_a_source_that_says_nothing(tmp_path: Path) -> None:
    legacy = BuildSystem(("setuptools >= 40.8.0",), "setuptools.build_meta:__legacy__")
    assert read_build_system(tmp_path) == legacy
    assert read_build_system(write(tmp_path, "[project]\nname = 'x'")) == legacy


def test_a_build_system(tmp_path: Path) -> None:
    text = "[build-system]\nrequires = ['a']\nbuild-backend = 'b:c'\nbackend-path = ['.']"
    assert read_build_system(write(tmp_path, text)) == BuildSystem(("a",), "b:c", (".",))


@pytest.mark.parametrize(
    "text",
    [
        "[build-system]\nrequires = 'a'",
        "[build-system]\nrequires = [1]",
        "[build-system]\nbuild-backend = []",
        "[build-system]\nbackend-path = 1",
        "build-system = 1",
        "[[build-system]]",
        "[build-system",
        b"\xff",
        "a = " + "[" * 5000,
    ],
)
def test_hostile_build_systems(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(InputError, match=r"pyproject\.toml"):
        read_build_system(write(tmp_path, text))


def test_the_wheel_that_was_built_here() -> None:
    ready = {"my-lib": Path("/w/my_lib-1.0-py3-none-any.whl")}
    assert from_wheel("My_Lib==1.0", ready) == "My_Lib @ file:///w/my_lib-1.0-py3-none-any.whl"
    assert from_wheel("my-lib[x,a]==1.0", ready) == "my-lib[a,x] @ file:///w/my_lib-1.0-py3-none-any.whl"
    for other in ("my-lib>=1.0", "my-lib!=1.0", "other==1.0", "my-lib @ https://x.example/y.whl"):
        assert from_wheel(other, ready) == other


def settings(backend: str, *flags: str) -> dict[str, str | list[str]]:
    build = Build("x", "1", Source(), NativeBuild(flags=flags))
    return config_settings(build.native.flags, BuildSystem((), backend))


def test_settings_of_backends() -> None:
    assert settings("setuptools.build_meta") == {}
    assert settings("x", "a=1", "b=2=3", "a=4", "a=5", "c") == {"a": ["1", "4", "5"], "b": "2=3", "c": ""}
    assert settings("mesonpy") == {"builddir": "uvlock2nix-build"}
    assert settings("mesonpy", "builddir=mine") == {"builddir": "mine"}
    assert settings("mesonpy", "build-dir=mine") == {"build-dir": "mine"}


def test_what_generate_hands_over() -> None:
    text = '{"x": {"inputs": ["/nix/store/a"], "env": {"A": "1"}, "cflags": ["-lx"], "relax": ["y"]}}'
    native = NativeBuild(inputs=("/nix/store/a",), env={"A": "1"}, cflags=("-lx",), relax=("y",))
    assert parse_native(text) == {"x": native}
    assert parse_native("") == {}


@pytest.mark.parametrize(
    "text",
    ["[]", "1", "{", '{"x": 1}', '{"x": {"inputs": 1}}', '{"x": {"env": {"a": 1}}}', '{"x": {"no": []}}'],
)
def test_what_generate_never_hands_over(text: str) -> None:
    with pytest.raises(InputError, match="uvSyncNative"):
        parse_native(text)
