"""The ways to ask uv for a Python, and the Python that fits a requires-python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command import project_at
from uvlock2nix.errors import UsageError
from uvlock2nix.lock import load_project
from uvlock2nix.lock.python_fit import fitting_python
from uvlock2nix.pythons import choose_python
from uvlock2nix.target import PythonVersion, latest_patch


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("3.12", "3.12"),
        ("3.12.4", "3.12.4"),
        ("312", "3.12"),
        ("cp312", "3.12"),
        ("cpython3.12", "3.12"),
        ("cpython@3.12.4", "3.12.4"),
        ("CPython-3.12", "3.12"),
        ("python3.12", "3.12"),
        ("3.14t", "3.14t"),
        ("3.14+freethreaded", "3.14t"),
        ("cp314t", "3.14t"),
        ("3.14+gil", "3.14"),
        ("3", "3.13"),
        ("any", "3.13"),
        (">=3.12,<3.13", "3.12"),
        ("cpython>=3.14", "3.14"),
        ("==3.12.5", "3.12.5"),
        ("~=3.11.0", "3.11"),
    ],
)
def test_spellings(tmp_path: Path, text: str, right: str) -> None:
    project = load_project(project_at(tmp_path))
    assert choose_python(text, project)[0] == right
    (tmp_path / ".python-version").write_text(f"{text}\n")
    assert choose_python(None, load_project(tmp_path))[0] == right


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("pypy@3.11", "3.11"),
        ("pypy3.10", "3.13"),  # the project admits no 3.10
        ("pp311", "3.11"),
        ("pypy", "3.13"),
        ("graalpy-3.12", "3.12"),
        ("3.12d", "3.12"),
        ("3.14+freethreaded+debug", "3.14t"),
        ("cpython-3.12.4-linux-x86_64-gnu", "3.12.4"),
        ("<3.9", "3.13"),
    ],
)
def test_what_is_refused_names_the_spelling_that_works(tmp_path: Path, text: str, spelling: str) -> None:
    project = load_project(project_at(tmp_path))
    with pytest.raises(UsageError) as caught:
        choose_python(text, project)
    assert f"--python {spelling}" in caught.value.hint
    assert choose_python(spelling, project)[0] == spelling


def test_a_name_that_is_no_version_is_reported(tmp_path: Path) -> None:
    project_at(tmp_path)
    (tmp_path / ".python-version").write_text("my-virtual-environment\n")
    python, note = choose_python(None, load_project(tmp_path))
    assert python == "3.13"
    assert ".python-version names no version: my-virtual-environment" in note


def test_what_it_was_before_holds_where_nobody_asks(tmp_path: Path) -> None:
    project_at(tmp_path)
    assert choose_python(None, load_project(tmp_path), "3.12") == ("3.12", "")
    (tmp_path / ".python-version").write_text("3.14\n")
    assert choose_python(None, load_project(tmp_path), "3.12")[0] == "3.14"


def test_the_default_of_nixpkgs_is_taken_where_requires_python_admits_it(tmp_path: Path) -> None:
    project = load_project(project_at(tmp_path))
    asked: list[Path] = []

    def nixpkgs(folder: Path) -> tuple[str, str]:
        asked.append(folder)
        return "3.14", "python3 of nixpkgs 26.11"

    assert choose_python(None, project, None, nixpkgs) == ("3.14", "Python 3.14: python3 of nixpkgs 26.11")
    assert asked == [project.root]
    assert choose_python(None, project, "3.12", nixpkgs)[0] == "3.12"
    assert choose_python("3.11", project, None, nixpkgs)[0] == "3.11"
    assert choose_python(None, project, None, lambda _: ("3.10", "too old"))[0] == "3.13"
    assert len(asked) == 1


def test_where_only_some_patch_releases_fit_one_of_them_is_taken(tmp_path: Path) -> None:
    project_at(tmp_path)
    lock = tmp_path / "uv.lock"
    lock.write_text(
        re.sub(r'requires-python = ".*?"', 'requires-python = ">=3.13.1,<3.13.10"', lock.read_text())
    )
    python, note = choose_python(None, load_project(tmp_path))
    assert python == "3.13.9"
    assert note.startswith("Python 3.13.9: the first of")


@pytest.mark.parametrize(
    ("requires", "near", "right"),
    [
        (["==3.12.8"], "3.13", "3.12.8"),
        (["==3.12.8"], "3.12", "3.12.8"),
        ([">=3.11"], "3.12", "3.12"),
        ([">=3.12,<3.12.5"], "3.12", "3.12.4"),
        ([f">3.12.{latest_patch()[12]},<3.13"], "3.12", f"3.12.{latest_patch()[12] + 1}"),
        (["!=3.13.*,>=3.13"], "3.13", "3.14"),
        ([">=3.11", "<3.12"], "3.13", "3.11"),
        ([">=4"], "3.13", None),
        (["what"], "3.13", None),
        ([">=3.14"], "3.13t", "3.14t"),
    ],
)
def test_the_python_that_fits(requires: list[str], near: str, right: str | None) -> None:
    assert fitting_python(requires, PythonVersion.parse(near)) == right
