"""The project's own packages in a store path of their own, under an environment of links."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packages import record_faults
from tests.unit.venv.test_venv_environment import (
    PYTHON,
    SITE,
    VERSION,
    dist,
    finish,
    fix_record,
    manifest,
    said,
)
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.values import Build, Source
from uvlock2nix.cli.inside import run_plain
from uvlock2nix.dist.installed import installed
from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.layout import MANIFEST, SCRIPTS
from uvlock2nix.target import Target, this_system
from uvlock2nix.venv.bytecode import compile_bytecode
from uvlock2nix.venv.layer import layer, make_temporary
from uvlock2nix.venv.local import install_local
from uvlock2nix.venv.local_manifest import read_local
from uvlock2nix.venv.making import Making
from uvlock2nix.venv.members import Places
from uvlock2nix.venv.own_manifest import of_package, write

UV = Path(sys.executable).with_name("uv")
BACKEND = """\
import base64, hashlib, pathlib, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    files = {"mine.py": "import ns.dep\\ndef f(): print('mine', ns.dep.x)\\n", "ns/own.py": "x = 1\\n"}
    for one in pathlib.Path("scripts").glob("*"):
        files["mine-1.0.data/scripts/" + one.name] = one.read_text()
    info = "mine-1.0.dist-info/"
    files |= {info + "METADATA": "Metadata-Version: 2.1\\nName: mine\\nVersion: 1.0\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\nmine = mine:f\\n"}
    record = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
    with zipfile.ZipFile(pathlib.Path(folder) / "mine-1.0-py3-none-any.whl", "w") as archive:
        for name, text in {**files, info + "RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return "mine-1.0-py3-none-any.whl"
"""
PROJECT = """\
[project]
name = "mine"
version = "1.0"
[build-system]
requires = {requires}
build-backend = "own"
backend-path = ["tools"]
"""


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """An environment with a namespace package that the project's own has too."""
    root = tmp_path / "env"
    manifest(root)
    dist(root, "dep", {"ns/dep.py": "x = 'dep'\n", "dep.py": "x = 1\n"}, "dep = dep:f")
    finish(root)
    return root


def built(tmp_path: Path, scripts: dict[str, str] | None = None, requires: str = "[]") -> Path:
    """The store path of the project's packages."""
    source, work = tmp_path / "source", tmp_path / "work"
    (source / "tools").mkdir(parents=True)
    (source / "scripts").mkdir()
    (source / "tools" / "own.py").write_text(BACKEND)
    (source / "pyproject.toml").write_text(PROJECT.replace("{requires}", requires))
    for name, text in (scripts or {}).items():
        (source / "scripts" / name).write_text(text)
    (tmp_path / "requires").mkdir()
    work.mkdir()
    target = Target.parse(system=this_system(), python=VERSION)
    before = Path.cwd()
    os.chdir(source)
    try:
        install_local(
            [Build("mine", None, Source(folder=source))],
            Places(None, tmp_path / "requires", work),
            Runner(quiet=True),
            str(UV),
            target,
            Making(PYTHON),
            tmp_path / "local",
        )
    finally:
        os.chdir(before)
    return tmp_path / "local"


def layered(tmp_path: Path, env: Path, local: Path) -> Path:
    tree, scripts, link = read_local(local, tmp_path / "later")
    out = tmp_path / "out"
    assert layer(env, tree, out, VERSION, Making(PYTHON), scripts=scripts, link=link) == ()
    return out


def test_an_environment_links_to_them(tmp_path: Path, env: Path) -> None:
    local = built(tmp_path)
    out = layered(tmp_path, env, local)
    site = out / SITE
    assert said(out / "bin" / "mine") == "mine dep\n"
    assert (site / "mine.py").readlink() == local / SITE / "mine.py"
    (compiled,) = (site / "__pycache__").glob("mine.*.pyc")
    assert compiled.readlink() == local / SITE / "__pycache__" / compiled.name
    # Both have it: a folder of links, compiled as a whole.
    assert (site / "ns" / "own.py").readlink() == local / SITE / "ns" / "own.py"
    assert (site / "ns" / "dep.py").is_symlink()
    assert {path.name.partition(".")[0] for path in (site / "ns" / "__pycache__").iterdir()} == {"own", "dep"}
    own = next(one for one in installed(site) if one.name == "mine")
    assert "../../../bin/mine" in {entry.path for entry in own.entries}
    assert [fault for fault in record_faults(site) if fault.startswith("mine-1.0")] == []


def test_scripts_are_completed_in_a_copy(tmp_path: Path, env: Path) -> None:
    local = built(tmp_path, {"run-mine": "#!python\nimport mine; mine.f()\n"})
    out = layered(tmp_path, env, local)
    assert said(out / "bin" / "run-mine") == "mine dep\n"
    assert not (out / SITE / "mine.py").is_symlink()
    assert (local / SCRIPTS / "run-mine").read_text().startswith("#!python\n")


def test_what_only_an_environment_could_give_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="building mine: it requires dep, which is not among its build"):
        built(tmp_path, requires='["dep"]')


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scripts": [], "python": "3"}', '{"scripts": [1]}'])
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    place = tmp_path / "local" / MANIFEST
    place.parent.mkdir(parents=True)
    place.write_text(text)
    with pytest.raises(InputError, match="no installed packages of the project") as caught:
        read_local(tmp_path / "local", tmp_path)
    assert "uvPackageLocal" in caught.value.hint


def test_an_environment_that_is_joined_for_it_leaves_no_link(tmp_path: Path) -> None:
    dep, work, out = tmp_path / "dep", tmp_path / "joined", tmp_path / "out"
    files = {"ns/dep.py": "x = 'dep'\n", "large.txt": "x" * (1 << 21)}
    dist(dep, "dep", files, "dep = ns.dep:f", scripts=("shell",))
    (dep / SCRIPTS / "shell").write_text("#!/bin/sh\necho shell\n")
    fix_record(dep, "dep")
    compile_bytecode(dep / SITE, PYTHON, 1)
    write(dep, of_package("dep", "1.0", python=VERSION, filename="", artifact={}, scripts=[]))
    below = {"join": [str(dep)], "python": [VERSION], "system": [this_system()], "interpreter": [str(PYTHON)]}
    places = ["--local", str(built(tmp_path)), "--out", str(out), "--requires", "", "--work", str(work)]
    run_plain(["venv", "package", "--env", json.dumps(below), *places, "--interpreter", str(PYTHON)])
    shutil.rmtree(work)
    assert said(out / "bin" / "mine") == "mine dep\n"
    assert said(out / "bin" / "shell") == "shell\n"
    links = [path for path in out.rglob("*") if path.is_symlink()]
    assert (out / SITE / "large.txt") in links
    assert [path for path in links if not path.exists()] == []
    assert [one for one in out.rglob("*") if one.is_file() and str(work).encode() in one.read_bytes()] == []


def test_an_environment_may_be_joined_where_package_will_be(tmp_path: Path) -> None:
    """Its search paths are then right in package."""
    out, place, tree = tmp_path / "out", tmp_path / "work" / "env", tmp_path / "tree"
    manifest(out)
    dist(out, "dep", {"dep.py": "def f(): print('dep')\n"}, "run-dep = dep:f", scripts=("script",))
    finish(out)
    make_temporary(out, place)
    dist(tree, "mine", {"mine.py": ""})
    assert layer(place, tree, out, VERSION, Making(PYTHON), scripts=()) == ()
    shutil.rmtree(place)
    assert said(out / "bin" / "run-dep") == "dep\n"
    assert said(out / "bin" / "script") == "dep\n"


@pytest.mark.parametrize("text", ['{"x": []}', '{"join": "a"}', '{"then-finish": 1}', "{"])
def test_an_environment_that_cannot_be_joined(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--env", text, "--out", "out", "--requires", "", "--work", "work", "--interpreter", "python"]
    with pytest.raises(SystemExit) as ended:
        run_plain(["venv", "package", *words])
    assert ended.value.code == 2
    assert "error: --env" in capsys.readouterr().err


def test_a_module_of_both_is_the_project_s(tmp_path: Path, env: Path) -> None:
    tree, out = tmp_path / "tree", tmp_path / "out"
    dist(tree, "over", {"dep.py": "x = 2\n"})
    compile_bytecode(tree / SITE, PYTHON, 1)
    (tree / MANIFEST).parent.mkdir(parents=True, exist_ok=True)
    (tree / MANIFEST).write_text(json.dumps({"python": VERSION, "scripts": [], "shebangs": False}))
    layer(env, *read_local(tree, tmp_path)[:1], out, VERSION, Making(PYTHON), scripts=(), link=True)
    code = "import dep; print(dep.x, dep.__cached__)"
    done = subprocess.run([out / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    value, cached = done.stdout.split()
    assert value == "2"
    assert Path(cached).resolve() == (tree / SITE / "__pycache__" / Path(cached).name).resolve()
