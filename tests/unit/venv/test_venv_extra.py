"""extraPackages: more packages over a finished environment, which never changes its own files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from uvlock2nix.errors import InputError
from uvlock2nix.layout import MANIFEST
from uvlock2nix.venv.environment import finish_environment
from uvlock2nix.venv.layer import layer
from uvlock2nix.venv.making import Making

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
PYTHON = Path(sys.executable).resolve()
SITE = f"lib/python{VERSION}/site-packages"


def package(root: Path, name: str, files: dict[str, str], points: str = "", version: str = "1.0") -> Path:
    dist_info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    everything = {f"{dist_info}/METADATA": metadata, **files}
    if points:
        everything[f"{dist_info}/entry_points.txt"] = f"[console_scripts]\n{points}\n"
    for path, content in everything.items():
        target = root / SITE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    record = root / SITE / dist_info / "RECORD"
    record.write_text("".join(f"{path},,\n" for path in [*everything, f"{dist_info}/RECORD"]))
    return root


@pytest.fixture
def env(tmp_path: Path) -> Path:
    files = {"locked.py": "x = 'lock'\ndef f(): print(x)\n", "ns/a.py": "a = 1\n"}
    root = package(tmp_path / "env", "locked", files, "shown = locked:f")
    (root / MANIFEST).parent.mkdir(parents=True)
    (root / MANIFEST).write_text(json.dumps({"python": VERSION, "collisions": []}))
    finish_environment(root, Making(PYTHON), build_to=None)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return package(tmp_path / "tree", "app", {"app.py": "def f(): print('app')\n"}, "app = app:f")


def run(out: Path, code: str) -> str:
    done = subprocess.run([out / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_modules_and_programs_are_added(env: Path, tree: Path, tmp_path: Path) -> None:
    files = {"plugin/__init__.py": "def f(): print('plugin')\n", "ns/b.py": "b = 2\n"}
    more = package(tmp_path / "more", "plugin", files, "plugin = plugin:f")
    out = tmp_path / "out"
    assert layer(env, tree, out, VERSION, Making(PYTHON), scripts=(), extra=(more,)) == ()
    assert run(out, "import app, locked, plugin, ns.a, ns.b; print(ns.a.a + ns.b.b)") == "3"
    for program in ("app", "plugin"):
        done = subprocess.run([out / "bin" / program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == program
    # The environment below is untouched.
    assert not (env / "bin" / "plugin").exists()
    assert not (env / SITE / "ns" / "b.py").exists()


def test_what_is_there_stays_and_is_reported(env: Path, tree: Path, tmp_path: Path) -> None:
    files = {"locked.py": "x = 'plugin'\ndef f(): print(x)\n", "mine.py": "def f(): print('mine')\n"}
    more = package(tmp_path / "more", "plugin", files, "shown = mine:f\napp = mine:f")
    out = tmp_path / "out"
    clashes = layer(env, tree, out, VERSION, Making(PYTHON), scripts=(), extra=(more,))
    assert [str(one) for one in clashes] == [
        "bin/app: in app (from the project) and in plugin (from extraPackages); kept: app",
        "bin/shown: in locked (from the lock) and in plugin (from extraPackages); kept: locked",
        "locked.py: in locked (from the lock) and in plugin (from extraPackages); kept: locked",
    ]
    assert run(out, "import locked; print(locked.x)") == "lock"
    assert subprocess.run([out / "bin" / "app"], capture_output=True, text=True).stdout.strip() == "app"
    assert subprocess.run([out / "bin" / "shown"], capture_output=True, text=True).stdout.strip() == "lock"


def test_an_environment_that_shares_packages(env: Path, tree: Path, tmp_path: Path) -> None:
    other = package(tmp_path / "other", "locked", {"locked.py": "x = 'lock'\ndef f(): print(x)\n"})
    package(other, "plugin", {"plugin.py": "import locked\n"})
    out = tmp_path / "out"
    assert layer(env, tree, out, VERSION, Making(PYTHON), scripts=(), extra=(other,)) == ()
    assert (out / SITE / "locked.py").resolve() == (env / SITE / "locked.py").resolve()
    assert run(out, "import plugin; print(plugin.locked.x)") == "lock"


def test_a_second_version_is_refused(env: Path, tree: Path, tmp_path: Path) -> None:
    other = package(tmp_path / "other", "locked", {"locked.py": ""}, version="2.0")
    with pytest.raises(InputError, match=r"locked is in the environment twice: 1\.0, and 2\.0 from") as error:
        layer(env, tree, tmp_path / "out", VERSION, Making(PYTHON), scripts=(), extra=(other,))
    assert "uv add" in (error.value.hint or "")


def test_what_is_no_package_is_refused(env: Path, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"it has no packages for Python {VERSION}"):
        layer(env, tree, tmp_path / "out", VERSION, Making(PYTHON), scripts=(), extra=(tmp_path / "empty",))
