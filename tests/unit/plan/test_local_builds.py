"""Local packages: all of them are planned, with everything that their builds get, or the plan refuses."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tests.support.emit import plan_of, texts
from tests.support.locks import HEAD, entry
from uvlock2nix.errors import ProjectError
from uvlock2nix.knowledge.templates import Literal
from uvlock2nix.lock.local import index_pages
from uvlock2nix.lock.model import Package, RegistrySource
from uvlock2nix.native import Native
from uvlock2nix.plan import Plan

ROOT = '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'


def plan(folder: Path, *sources: str, root: str = "", **files: str) -> Plan:
    """A plan of `app`, which depends on `dep0`, `dep1` … from ``sources``; ``files``: path → text."""
    names = [f"dep{number}" for number in range(len(sources))]
    packages = [entry(name, source=source) for name, source in zip(names, sources, strict=True)]
    (folder / "uv.lock").write_text(
        HEAD + entry("app", source='{ editable = "." }', deps=tuple(names)) + "".join(packages)
    )
    for path, text in {"pyproject.toml": ROOT + root, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return plan_of(folder)


def declared(name: str, backend: str = "hatchling.build", requires: str = "hatchling") -> str:
    return (
        f'[project]\nname = "{name}"\nversion = "1.0"\n'
        f'[build-system]\nrequires = ["{requires}"]\nbuild-backend = "{backend}"\n'
    )


def native_of(made: Plan, name: str) -> Native:
    (found,) = [one for one in made.local_builds if one.name == name]
    return found


def test_path_dependencies_are_built_as_members_are(tmp_path: Path) -> None:
    inside = tmp_path / "libs" / "absolute"
    made = plan(
        tmp_path,
        '{ directory = "libs/plain" }',
        '{ editable = "libs/edited" }',
        f'{{ directory = "{inside}" }}',
        '{ virtual = "libs/virtual" }',
        '{ directory = "libs/old" }',
        **{
            "libs/plain/pyproject.toml": declared("dep0"),
            "libs/edited/pyproject.toml": declared("dep1"),
            "libs/absolute/pyproject.toml": declared("dep2"),
            "libs/virtual/pyproject.toml": declared("dep3"),
            "libs/old/setup.py": "from setuptools import setup\nsetup(name='dep4')\n",
        },
    )
    assert [f"{one.name}={one.path}" for one in made.members] == [
        "app=.", "dep0=libs/plain", "dep1=libs/edited", "dep2=libs/absolute", "dep4=libs/old"
    ]  # fmt: skip
    files = [str(path) for path in made.files]
    assert "libs/absolute/pyproject.toml" in files
    assert "libs/old/pyproject.toml" not in files
    assert '"dep2=libs/absolute"' in texts(made)["package.nix"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('{ directory = "../outside" }', "is outside"),
        ('{ editable = "/outside" }', "is outside"),
        ('{ directory = "link" }', "is outside"),
        ('{ directory = "inner/link" }', "is lib behind a symbolic link"),
        ('{ directory = "gone" }', "does not exist"),
        ('{ directory = "empty" }', "has neither pyproject.toml nor setup.py"),
    ],
)
def test_what_nix_cannot_see_is_refused(tmp_path: Path, source: str, why: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "pyproject.toml").write_text(declared("dep0"))
    project = tmp_path / "project"
    (project / "empty").mkdir(parents=True)
    (project / "link").symlink_to(outside)
    (project / "lib").mkdir()
    (project / "lib" / "pyproject.toml").write_text(declared("dep0"))
    (project / "inner").mkdir()
    (project / "inner" / "link").symlink_to("../lib")
    with pytest.raises(ProjectError, match=f"dep0: its folder .* {why}") as refused:
        plan(project, source)
    assert "[tool.uv.sources]" in refused.value.hint


@pytest.mark.parametrize(
    ("backend", "requires", "programs"),
    [
        ("scikit_build_core.build", "scikit-build-core>=0.10", ("cmake", "ninja")),
        ("mesonpy", "meson-python", ("ninja", "patchelf", "pkg-config")),
        ("maturin", "maturin>=1.5", ("cargo", "rustc")),
        ("setuptools.build_meta", "Setuptools_Rust", ("cargo", "rustc")),
        ("hatchling.build", "hatchling", ()),
    ],
)
def test_backends_bring_their_programs(
    tmp_path: Path, backend: str, requires: str, programs: tuple[str, ...]
) -> None:
    made = plan(
        tmp_path, '{ directory = "dep" }', **{"dep/pyproject.toml": declared("dep0", backend, requires)}
    )
    assert tuple(one.attr for one in made.member_tools) == programs
    assert [one.inputs.build.native_build_inputs for one in made.local_builds] == [programs] * bool(programs)


def test_every_setting_reaches_the_build(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        root="""
[tool.uv]
extra-build-dependencies = { app = ["one"] }
extra-build-variables = { app = { BOTH = "uv", FROM_UV = "1" } }
config-settings = { all = "1" }
config-settings-package = { app = { own = "2" } }
[tool.uvlock2nix.native.app]
build-requires = ["two"]
relax = ["three"]
env = { BOTH = "ours" }
cflags = ["-DX"]
flags = ["config-setting:mine=3"]
build-inputs = ["zlib"]
""",
    )
    build = native_of(made, "app").inputs.build
    assert dict(build.env) == {"BOTH": (Literal("ours"),), "FROM_UV": (Literal("1"),)}
    assert build.flags == ("own=2", "all=1", "config-setting:mine=3")
    assert (build.build_requires, build.relax, build.cflags) == (("one", "two"), ("three",), ("-DX",))
    text = texts(made)["package.nix"]
    for part in ("uvPackageNative", 'BOTH = "ours"', '"one"', "zlib"):
        assert part in text


CRATE = '[package]\nname = "c"\nversion = "1.0.0"\n'


def test_crates_come_from_the_lock_of_cargo(tmp_path: Path) -> None:
    rust = declared("dep0", "maturin", "maturin")
    made = plan(
        tmp_path,
        '{ directory = "dep" }',
        **{
            "dep/pyproject.toml": rust + '[tool.maturin]\nmanifest-path = "rust/Cargo.toml"\n',
            "dep/rust/Cargo.toml": CRATE + '[dependencies]\nlibc = "0.2"\n',
            "Cargo.lock": "version = 4\n",
        },
    )
    assert str(native_of(made, "dep0").crates) == "Cargo.lock"
    text = texts(made)["package.nix"]
    assert "rustPlatform.importCargoLock" in text
    assert "lockFile = ../Cargo.lock;" in text


def test_crates_without_a_lock_are_refused_where_there_are_any(tmp_path: Path) -> None:
    rust = declared("dep0", "maturin", "maturin")
    files = {"dep/pyproject.toml": rust, "dep/Cargo.toml": CRATE}
    assert native_of(plan(tmp_path, '{ directory = "dep" }', **files), "dep0").crates is None
    files["dep/Cargo.toml"] += '[target."cfg(unix)".dependencies]\nlibc = "0.2"\nown = { path = "own" }\n'
    with pytest.raises(ProjectError, match=r"needs crates \(libc\), but has no Cargo.lock") as refused:
        plan(tmp_path, '{ directory = "dep" }', **files)
    assert "cargo generate-lockfile" in refused.value.hint


def test_the_page_of_an_index_in_a_folder_is_part_of_the_source(tmp_path: Path) -> None:
    """uv opens `simple/../files/x.whl`, so that the folder of pages has to be there."""
    source = RegistrySource(None, "vendor/simple")
    package = Package(index=0, name="dep", version="1.0", source=source)
    path = "vendor/simple/../files/dep-1.0-py3-none-any.whl"
    assert index_pages(tmp_path, package, path) == ()
    page = tmp_path / "vendor/simple/dep/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("")
    assert index_pages(tmp_path, package, path) == (PurePosixPath("vendor/simple/dep/index.html"),)
    assert index_pages(tmp_path, package, "vendor/dep-1.0-py3-none-any.whl") == ()
