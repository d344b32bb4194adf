"""What a user installs, and links to it from anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.venv.test_venv_environment import PYTHON, SITE, VERSION, dist, finish, manifest
from uvlock2nix.build.programs import Runner
from uvlock2nix.dist.installed import installed
from uvlock2nix.dist.scripts import Script
from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.venv.interpreter import write_wrapper
from uvlock2nix.venv.layer import layer
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.programs import data_of, embeds_python, expose, programs_of

COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A project `mine` with a program, a script and data, over a dependency that has its own."""
    env, tree, out = tmp_path / "env", tmp_path / "tree", tmp_path / "venv"
    manifest(env)
    dist(env, "dep", {"dep.py": "def f(): print('dep')\n"}, "dep = dep:f\nshared = dep:f")
    finish(env)
    files = {
        "mine.py": "import dep\ndef f(): print('mine')\n",
        "../../../share/man/man1/mine.1": "x",
        "../../../etc/mine.conf": "x",
        "../../../include/mine.h": "x",
    }
    dist(tree, "mine", files, "mine = mine:f\nshared = mine:f", scripts=("mine-script",))
    work = tmp_path / "work"
    work.mkdir()

    def wrap(root: Path, python: Path) -> None:
        if COMPILER:
            write_wrapper(root, python, COMPILER, work, Runner(quiet=True))

    script = (Script("mine-script", "mine", python=True),)
    clashes = layer(env, tree, out, VERSION, Making(PYTHON), scripts=script, wrap=wrap)
    assert [str(one) for one in clashes] == [
        "bin/shared: in mine (from the project) and in dep (from the lock); kept: mine"
    ]
    return out


def said(*argv: str | Path) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def listed(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())


def test_only_the_project_is_shown(venv: Path, tmp_path: Path) -> None:
    out = tmp_path / "package"
    expose(venv, out, venv / SITE, ["mine"])
    assert listed(out) == [
        "bin/mine",
        "bin/mine-script",
        "bin/shared",
        "etc/mine.conf",
        "share/man/man1/mine.1",
    ]
    assert said(out / "bin" / "mine") == "mine\n"
    assert said(out / "bin" / "shared") == "mine\n"


def test_a_dependency_that_is_exposed(venv: Path, tmp_path: Path) -> None:
    out = tmp_path / "package"
    expose(venv, out, venv / SITE, ["mine", "Dep"])
    assert said(out / "bin" / "dep") == "dep\n"


def test_what_is_not_there_cannot_be_exposed(venv: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no other"):
        expose(venv, tmp_path / "package", venv / SITE, ["other"])


def test_records_that_lead_elsewhere(tmp_path: Path) -> None:
    """Only existing files below the environment are shown."""
    (tmp_path / "outside").write_text("")
    root = tmp_path / "root"
    dist(root, "odd", {"odd.py": ""}, scripts=())
    record = root / SITE / "odd-1.0.dist-info" / "RECORD"
    record.write_text(
        "../../../../outside,,\n../../../share/../../outside,,\n../../../bin/gone,,\n../../../bin/python3,,\n"
        "../../../pyvenv.cfg,,\n../../../share/gone,,\nodd.py,,\n"
    )
    (root / "bin").mkdir()
    (root / "bin" / "python3").write_text("")
    (one,) = installed(root / SITE)
    assert programs_of(one, root / "bin") == ()
    assert data_of(one, root) == ()


@needs_compiler
def test_links_to_the_interpreter_are_the_environment(venv: Path, tmp_path: Path) -> None:
    code = "import sys, mine, dep; print(sys.prefix, sys.executable, *sys.argv)"
    for name in ("python", "python3", f"python{VERSION}"):
        link = tmp_path / f"link-{name}"
        link.symlink_to(venv / "bin" / name)
        assert said(link, "-c", code, "a b") == f"{venv} {venv}/bin/python -c a b\n"
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import mine'], check=True)"
    assert said(tmp_path / "link-python", "-c", child) == ""


@needs_compiler
def test_a_path_that_c_would_read_otherwise(tmp_path: Path) -> None:
    root = tmp_path / 'a"b\\n%s\u00e9'
    (root / "bin").mkdir(parents=True)
    write_wrapper(root, Path(sys.executable), str(COMPILER), tmp_path, Runner(quiet=True))
    assert said(root / "bin" / "python", "-c", "import sys; print(sys.argv)") == "['-c']\n"


def test_without_a_compiler(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    with pytest.raises(ToolError, match="making bin/python"):
        write_wrapper(tmp_path, PYTHON, "no-such-compiler", tmp_path, Runner(quiet=True))


def test_what_embeds_python(tmp_path: Path) -> None:
    script, empty, plain, embedder = (tmp_path / name for name in ("script", "empty", "plain", "embedder"))
    script.write_text("#!/bin/sh\n# Py_Initialize\n")
    empty.write_bytes(b"")
    plain.write_bytes(b"\x7fELF" + b"\0" * 9000)
    embedder.write_bytes(b"\x7fELF" + b"\0" * 9000 + b"Py_InitializeFromConfig\0")
    assert [embeds_python(one) for one in (script, empty, plain, embedder)] == [False, False, False, True]


def test_a_program_that_embeds_python_is_copied(tmp_path: Path) -> None:
    env, tree, out = tmp_path / "env", tmp_path / "tree", tmp_path / "venv"
    manifest(env)
    dist(env, "dep", {"dep.py": ""})
    finish(env)
    for name, content in (("server", b"\x7fELF Py_BytesMain"), ("linter", b"\x7fELF")):
        (env / "bin" / name).write_bytes(content)
        (env / "bin" / name).chmod(0o755)
    dist(tree, "mine", {"mine.py": ""})
    layer(env, tree, out, VERSION, Making(PYTHON), scripts=())
    assert not (out / "bin" / "server").is_symlink()
    assert (out / "bin" / "linter").readlink() == env / "bin" / "linter"
