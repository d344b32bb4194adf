"""Local packages of many kinds, the whole way: built with what uv gives them, and nothing is dropped."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Built, go, instantiate
from tests.support.locks import HEAD, entry
from tests.support.stand import Stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

# Where Cargo.lock says that crates come from; nothing is fetched from there.
INDEX = "github.com/rust-lang/" + ".".join(("crates", "io-index"))
C_MODULE = """
#include <Python.h>
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "NAME", "made by NAME", -1, NULL };
PyMODINIT_FUNC PyInit_NAME(void) { return PyModule_Create(&module); }
"""
PROGRAM = """
import importlib.metadata, subprocess, sys
def main():
    import by_cmake, by_meson, by_tree, hooked
    print(by_cmake.__doc__, by_meson.__doc__, by_tree.SAID, hooked.SAID, sep="|")
    sys.stdout.flush()
    subprocess.run([f"{sys.prefix}/bin/by-cargo"], check=True)
    names = ("app", "by-cargo", "by-cmake", "by-meson", "by-tree", "tagged")
    print(" ".join(importlib.metadata.version(name) for name in names))
"""
FILES = {
    "pyproject.toml": """
[project]
name = "app"
version = "1.0"
requires-python = ">=3.12"
dependencies = ["by-cargo", "by-cmake", "by-meson", "by-tree", "tagged"]
[project.scripts]
app = "app:main"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build]
packages = ["app", "hooked"]
[tool.hatch.build.hooks.custom]
dependencies = ["iniconfig"]
[tool.uv.extra-build-variables]
app = { FROM_UV = "uv" }
""",
    "hatch_build.py": """
import os
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
import iniconfig
class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        os.makedirs("hooked", exist_ok=True)
        with open("hooked/__init__.py", "w") as file:
            file.write(f"SAID = {os.environ['FROM_UV']!r}\\n")
""",
    "app/__init__.py": PROGRAM,
    "libs/by-cmake/pyproject.toml": """
[project]
name = "by-cmake"
version = "1.1"
[build-system]
requires = ["scikit-build-core"]
build-backend = "scikit_build_core.build"
""",
    "libs/by-cmake/CMakeLists.txt": """
cmake_minimum_required(VERSION 3.15)
project(by_cmake LANGUAGES C)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
python_add_library(by_cmake MODULE module.c WITH_SOABI)
install(TARGETS by_cmake DESTINATION .)
""",
    "libs/by-cmake/module.c": C_MODULE.replace("NAME", "by_cmake"),
    "libs/by-meson/pyproject.toml": """
[project]
name = "by-meson"
version = "1.2"
[build-system]
requires = ["meson-python"]
build-backend = "mesonpy"
""",
    "libs/by-meson/meson.build": """
project('by-meson', 'c', version: '1.2')
python = import('python').find_installation(pure: false)
python.extension_module('by_meson', 'module.c', install: true)
""",
    "libs/by-meson/module.c": C_MODULE.replace("NAME", "by_meson"),
    "libs/by-cargo/pyproject.toml": """
[project]
name = "by-cargo"
version = "1.3"
[build-system]
requires = ["maturin>=1.5"]
build-backend = "maturin"
[tool.maturin]
bindings = "bin"
""",
    "libs/by-cargo/Cargo.toml": """
[package]
name = "by-cargo"
version = "1.3.0"
edition = "2021"
[dependencies]
itoa = "1"
""",
    "libs/by-cargo/src/main.rs": 'fn main() { println!("{}", itoa::Buffer::new().format(42)); }\n',
    "libs/by tree/pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "own"
backend-path = ["tools"]
""",
    # Only the backend itself knows what it asks for.
    "libs/by tree/tools/own.py": """
from setuptools.build_meta import *
from setuptools import build_meta
def get_requires_for_build_wheel(settings=None):
    return [*build_meta.get_requires_for_build_wheel(settings), "iniconfig"]
def build_wheel(out, settings=None, metadata=None):
    import iniconfig
    with open("by_tree.py", "w") as file:
        file.write(f"SAID = {iniconfig.__name__!r}\\n")
    return build_meta.build_wheel(out, settings, metadata)
""",
    "libs/by tree/setup.cfg": "[metadata]\nname = by-tree\nversion = 1.4\n[options]\npy_modules = by_tree\n"
    "scripts = tools/words\n",
    # Run by a program of nixpkgs, found without being named, with two arguments.
    "libs/by tree/tools/words": "#!/usr/bin/env -S uv --offline --version\n",
    "libs/tagged/pyproject.toml": """
[project]
name = "tagged"
dynamic = ["version"]
[build-system]
requires = ["setuptools", "setuptools-scm"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
packages = ["tagged"]
[tool.setuptools_scm]
root = "../.."
""",
    "libs/tagged/tagged/__init__.py": "",
    "libs/tagged/tagged/word.txt": "word",
}  # fmt: skip
LOCAL = {"by-cargo": "1.3", "by-cmake": "1.1", "by-meson": "1.2", "by-tree": "1.4", "tagged": None}
FOLDERS = {"by-tree": "by tree"}
CARGO_LOCK = """\
version = 3

[[package]]
name = "by-cargo"
version = "1.3.0"
dependencies = [
 "itoa",
]

[[package]]
name = "itoa"
version = "{version}"
source = "registry+https://{index}"
checksum = "{checksum}"
"""


def cargo_lock(stand: Stand) -> str:
    """A Cargo.lock with the crate that the stand has."""
    crates = stand.path(stand.nix_build('(import <nixpkgs> { }).stand.debian.nodes."tool:crates".out'))
    (itoa,) = crates.glob("share/cargo/registry/itoa-*")
    checksum = json.loads((itoa / ".cargo-checksum.json").read_text())["package"]
    return CARGO_LOCK.format(version=itoa.name.removeprefix("itoa-"), index=INDEX, checksum=checksum)


@pytest.fixture(scope="module")
def built(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A project with a path dependency for each kind of build, in a repository with a tag."""
    project = tmp_path_factory.mktemp("local") / "app"
    lock = entry("app", source='{ editable = "." }', deps=tuple(LOCAL))
    for name, version in LOCAL.items():
        lock += entry(name, version, source=f'{{ directory = "libs/{FOLDERS.get(name, name)}" }}')
    for path, text in {
        **FILES,
        "uv.lock": HEAD + lock,
        "libs/by-cargo/Cargo.lock": cargo_lock(stand),
    }.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text.lstrip("\n"))
        (project / path).chmod(0o755 if text.startswith("#!") else 0o644)
    git = ["git", "-C", str(project), "-c", "user.name=x", "-c", "user.email=x@example"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "x"], ["tag", "v2.5"]):
        subprocess.run([*git, *arguments], check=True)
    return go(stand, project)


def test_each_kind_is_built_and_runs(built: Built) -> None:
    lines = built.stand.run([f"{built.package}/bin/app"], cwd=Path("/"))
    assert lines.stdout.splitlines() == [
        "made by by_cmake|made by by_meson|iniconfig|uv",
        "42",
        "1.0 1.3 1.1 1.2 1.4 2.5",
    ]


def test_scripts_are_run_by_programs_of_nixpkgs(built: Built) -> None:
    printed = built.stand.run([f"{built.venv}/bin/words"], cwd=Path("/"), env={}).stdout
    assert printed.startswith("uv ")


def test_files_that_only_git_lists_are_installed(built: Built) -> None:
    """setuptools-scm lets setuptools install what git tracks; the sandbox has no repository."""
    file = f"{built.venv}/lib/{built.site.parent.name}/site-packages/tagged/word.txt"
    assert built.stand.run(["cat", file], cwd=Path("/")).stdout == "word"


def test_env_and_package_are_the_same_when_built_again(built: Built) -> None:
    for file in ("python-env.nix", "package.nix"):
        drv = instantiate(built.stand, built.project, file)
        built.stand.run(["nix-store", "--realise", "--check", drv], timeout=2400)


def test_an_edit_of_a_source_rebuilds_package_alone(built: Built) -> None:
    before = [instantiate(built.stand, built.project, file) for file in ("python-env.nix", "package.nix")]
    module = built.project / "libs" / "tagged" / "tagged" / "__init__.py"
    module.write_text("edited = True\n")
    after = [instantiate(built.stand, built.project, file) for file in ("python-env.nix", "package.nix")]
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)
