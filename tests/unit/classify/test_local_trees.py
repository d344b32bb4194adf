"""Local packages that compile get what their build files name, unless their owner says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locks import HEAD
from uvlock2nix.app.local_inspection import with_local_trees
from uvlock2nix.app.reporter import Silent
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage, ClassifyPolicy, classify
from uvlock2nix.knowledge.user import parse_user_native
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.target import Target

PACKAGE = '\n[[package]]\nname = "app"\nversion = "1.0"\nsource = {{ editable = "{}" }}\n'
EXTENSION = (
    "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('a', ['a.c'], libraries=['z'])])\n"
)
MESON = "project('app', 'c')\ndependency('zlib')\n"


def pyproject(backend: str, *requires: str, more: str = "") -> str:
    return (
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        f'[build-system]\nrequires = {list(requires)}\nbuild-backend = "{backend}"\n{more}'
    )


class Notes(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def note(self, text: str) -> None:
        self.all.append(text)


def app(
    folder: Path,
    files: dict[str, str],
    native: dict[str, object] | None = None,
    reporter: Silent | None = None,
) -> ClassifiedPackage:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "uv.lock").write_text(HEAD + PACKAGE.format("."))
    project = load_project(folder)
    target = Target.parse("x86_64-linux", "3.13")
    environment = resolve(project, Selection(), target)
    knowledge = Knowledge(user=parse_user_native({"app": native} if native is not None else {}))
    policy = ClassifyPolicy(from_nixpkgs="none")
    before = classify(project, environment, target, knowledge, policy)
    learnt = with_local_trees(knowledge, project, before, reporter or Silent())
    (found,) = classify(project, environment, target, learnt, policy)
    return found


@pytest.mark.parametrize(
    ("files", "inputs", "programs"),
    [
        (
            {"pyproject.toml": pyproject("setuptools.build_meta"), "setup.py": EXTENSION, "a.c": ""},
            ("zlib",),
            (),
        ),
        (
            {"pyproject.toml": pyproject("mesonpy", "meson-python"), "meson.build": MESON, "a.c": ""},
            ("zlib",),
            ("ninja", "patchelf", "pkg-config"),
        ),
        # A backend's own programs are no news; a pure backend's tree is not read.
        (
            {"pyproject.toml": pyproject("mesonpy", "meson-python"), "meson.build": "project('app', 'c')\n"},
            (),
            None,
        ),
        ({"pyproject.toml": pyproject("hatchling.build"), "setup.py": EXTENSION, "a.c": ""}, (), ()),
    ],
)
def test_what_build_files_name(
    tmp_path: Path, files: dict[str, str], inputs: tuple[str, ...], programs: tuple[str, ...] | None
) -> None:
    found = app(tmp_path, files)
    assert found.native.build.build_inputs == inputs
    assert programs is None or tuple(sorted(found.native.build.native_build_inputs)) == programs
    assert (found.known == "inspected") == bool(inputs)
    assert any("inspected" in reason for reason in found.reasons) == bool(inputs)


def test_what_the_owner_says_replaces_it(tmp_path: Path) -> None:
    files = {"pyproject.toml": pyproject("setuptools.build_meta"), "setup.py": EXTENSION, "a.c": ""}
    found = app(tmp_path, files, {"build-inputs": []})
    assert found.native.build.build_inputs == ()
    # Who speaks about something else leaves it as it is.
    found = app(tmp_path, files, {"env": {"X": "1"}})
    assert found.native.build.build_inputs == ("zlib",)


def test_what_the_code_opens_by_name(tmp_path: Path) -> None:
    files = {"pyproject.toml": pyproject("hatchling.build"), "app/main.py": "find_library('magic')"}
    found = app(tmp_path, files)
    assert found.native.run.dlopen == ("file",)
    assert any("needs file" in reason for reason in found.reasons)
    # With inputs of its build, and under what the owner says.
    files |= {"pyproject.toml": pyproject("setuptools.build_meta"), "setup.py": EXTENSION, "a.c": ""}
    found = app(tmp_path, files)
    assert (found.native.build.build_inputs, found.native.run.dlopen) == (("zlib",), ("file",))
    assert app(tmp_path, files, {"build-inputs": []}).native.run.dlopen == ("file",)
    assert app(tmp_path, files, {"dlopen": []}).native.run.dlopen == ()


def test_what_no_table_has_is_reported_until_the_owner_says_it(tmp_path: Path) -> None:
    files = {"pyproject.toml": pyproject("hatchling.build"), "app/main.py": "CDLL('libodd.so.3')"}
    notes = Notes()
    app(tmp_path, files, reporter=notes)
    (note,) = notes.all
    assert note.startswith("app opens libodd.so.3 by name, which no table has: name the attribute")
    assert note.endswith("as dlopen under [tool.uvlock2nix.native.app]")
    assert app(tmp_path, files, {"dlopen": ["odd"]}, reporter=notes).native.run.dlopen == ("odd",)
    assert len(notes.all) == 1


def test_a_package_inside_is_not_the_outer_one(tmp_path: Path) -> None:
    lib = {"lib/pyproject.toml": pyproject("mesonpy").replace("app", "lib"), "lib/meson.build": MESON}
    outer = pyproject("setuptools.build_meta", more='[tool.uv.workspace]\nmembers = ["lib"]\n')
    files = {"pyproject.toml": outer, "setup.py": "from setuptools import setup\nsetup()\n", **lib}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    lock = HEAD + '\n[manifest]\nmembers = ["app", "lib"]\n' + PACKAGE.format(".")
    (tmp_path / "uv.lock").write_text(lock + PACKAGE.format("lib").replace('"app"', '"lib"'))
    project, target = load_project(tmp_path), Target.parse("x86_64-linux", "3.13")
    environment = resolve(project, Selection(all_packages=True), target)
    packages = classify(project, environment, target, Knowledge(), ClassifyPolicy(from_nixpkgs="none"))
    found = with_local_trees(Knowledge(), project, packages, Silent()).inspected
    assert {name: one.build.build_inputs for name, one in found.items()} == {"lib": ("zlib",)}
