"""Several environments of one lock: what each is made of, and that every command knows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import copy_fixture
from tests.support.stand import REPO

TABLE = """
[tool.uvlock2nix]
python = "3.13"
system = "x86_64-linux"
check = "python -m unittest"

[tool.uvlock2nix.environments]
old = { python = "3.12" }
3to2 = { }
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "uvlock2nix", *map(str, words)],
        cwd=REPO,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def add(project: Path, text: str) -> None:
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = copy_fixture("hello", tmp_path)
    add(project, TABLE)
    return project


def test_one_generate_writes_them_all_and_check_knows_them(project: Path) -> None:
    done = run("generate", project)
    assert done.returncode == 0, done.stderr
    names = ("", "old/", "3to2/", "check/")
    for name in names:
        assert f"wrote nix/{name}package.nix\n" in done.stdout
    assert "python312" in (project / "nix/old/package.nix").read_text()
    assert 'pname = "hello-uv-old"' in (project / "nix/old/package.nix").read_text()
    assert "root = ../../.;" in (project / "nix/old/package.nix").read_text()
    assert run("generate", project, "--check").returncode == 0
    checked = run("check", project)
    assert checked.returncode == 1
    assert "\n  the hash of x86_64-linux is not known yet" in checked.stderr
    assert "\n  old: the hash of x86_64-linux is not known yet" in checked.stderr
    one = run("check", project, "--environment=old")
    assert "3to2" not in one.stderr
    shown = json.loads(run("classify", project, "--environment=old", "--json", "--no-inspect").stdout)
    assert shown["target"]["python"].startswith("3.12")
    shown = json.loads(run("classify", project, "--environment=default", "--json", "--no-inspect").stdout)
    assert shown["target"]["python"].startswith("3.13")


def test_what_is_given_is_of_the_environment_that_is_meant(project: Path) -> None:
    assert run("generate", project, "--python=3.11").returncode == 0
    assert "python311" in (project / "nix/package.nix").read_text()
    assert "python312" in (project / "nix/old/package.nix").read_text()
    assert run("generate", project, "--environment=old", "--python=3.14").returncode == 0
    assert "python314" in (project / "nix/old/package.nix").read_text()
    assert "python311" in (project / "nix/package.nix").read_text()
    # Remembered, each for itself.
    pins = json.loads((project / "nix/old/python-deps.json").read_text())
    assert pins["generate"] == ["--python=3.14"]
    assert "python" not in run("check", project).stderr.replace("python-deps", "")


def test_an_environment_that_is_gone_is_reported(project: Path) -> None:
    assert run("generate", project).returncode == 0
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('old = { python = "3.12" }\n', ""))
    again = run("generate", project)
    assert again.returncode == 0
    assert "nix/old: was generated for an environment that no longer exists" in again.stderr
    checked = run("check", project)
    assert "nix/old was generated for an environment that no longer exists" in checked.stderr
    assert f"rm -r {project}/nix/old" in checked.stderr


def test_a_new_environment_has_to_be_generated(project: Path) -> None:
    assert run("generate", project).returncode == 0
    add(project, "docs = { }\n")
    checked = run("check", project)
    assert checked.returncode == 3
    assert "nix/docs/python-deps.nix does not exist" in checked.stderr
    assert "uvlock2nix generate" in checked.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Docs = { }", "`Docs`: a name has lower-case letters, digits and -"),
        ("venv = { }", "`venv` is the name of an output"),
        ('docs = "all"', "`docs` must be a table"),
        ('docs = { gruop = "x" }', "environments.docs] in pyproject.toml: unknown key `gruop`"),
        ("docs.environments.x = { }", "an environment cannot have environments"),
        ('default = "no"', "`default` must be true or false"),
        ('docs = { group = "none-such" }', "no dependency group none-such"),
    ],
)
def test_bad_tables(project: Path, line: str, expected: str) -> None:
    add(project, f"{line}\n")
    done = run("generate", project)
    assert done.returncode in (2, 3), done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "nix").exists()


def test_an_environment_that_is_not_there(project: Path) -> None:
    done = run("classify", project, "--environment=odl")
    assert done.returncode == 2
    assert "no environment `odl`; did you mean `old`?" in done.stderr


def test_without_the_unnamed_one(project: Path) -> None:
    add(project, "default = false\n")
    done = run("generate", project)
    assert done.returncode == 0, done.stderr
    assert not (project / "nix/package.nix").exists()
    assert (project / "nix/old/package.nix").is_file()
