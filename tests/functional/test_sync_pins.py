"""``uvlock2nix sync`` builds with the very files that pins lock; with a real uv and an index that moves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.packages import Index, make_sdist, make_wheel, served
from uvlock2nix.app.build_lock import locked_now
from uvlock2nix.build_pins import to_json
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifyPolicy, classify
from uvlock2nix.config import parse_config
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.target import Target

REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = ".".join(map(str, sys.version_info[:3]))
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
SYSTEM = f"{os.uname().machine}-linux"
PYTHON = Path(sys.executable).resolve()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sync is tested on Linux")

# A build backend of a few lines: it writes its own version into the module that it packs.
BACKEND = """
import json, os, zipfile
VERSION = {version!r}
def get_requires_for_build_wheel(settings=None):
    return json.load(open("asks.json")) if os.path.exists("asks.json") else []
def build_wheel(folder, settings=None, metadata=None):
    name = open("name").read().strip()
    extra = ""
    for module in ("helper", "plugin"):
        try:
            extra += f"{{module}} = {{__import__(module).by!r}}\\n"
        except ImportError:
            pass
    info = f"{{name}}-1.0.dist-info"
    wheel = f"{{name}}-1.0-py3-none-any.whl"
    files = {{
        f"{{name}}.py": f"by = {{VERSION!r}}\\n" + extra,
        f"{{info}}/METADATA": f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: 1.0\\n",
        f"{{info}}/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    files[f"{{info}}/RECORD"] = "".join(f"{{path}},,\\n" for path in [*files, f"{{info}}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as zipped:
        for path, text in files.items():
            zipped.writestr(zipfile.ZipInfo(path), text)
    return wheel
"""
DECLARED = '[build-system]\nrequires = [{requires}]\nbuild-backend = "tool"\n'


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.delenv("UV_OFFLINE", raising=False)
    with served(tmp_path / "files") as running:
        tool(running, "1.0")
        yield running


def tool(index: Index, version: str) -> None:
    make_wheel(index.folder, "tool", {"tool.py": BACKEND.format(version=version)}, version=version)


def sdist(index: Index, name: str, *requires: str, asks: tuple[str, ...] = ()) -> None:
    listed = ", ".join(f'"{one}"' for one in ("tool", *requires))
    static = f'[project]\nname = "{name}"\nversion = "1.0"\n'
    files = {"pyproject.toml": DECLARED.format(requires=listed) + static, "name": name}
    make_sdist(index.folder, name, files | ({"asks.json": json.dumps(list(asks))} if asks else {}))


def locked(tmp_path: Path, index: Index, *dependencies: str) -> tuple[Path, Path]:
    """A project that depends on these, and the file with its locked build requirements."""
    root = tmp_path / "project"
    root.mkdir()
    listed = ", ".join(f'"{one}"' for one in dependencies)
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = [{listed}]\n'
        f'[tool.uv]\npackage = false\n[[tool.uv.index]]\nurl = "{index.url}"\ndefault = true\n'
    )
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv")
    subprocess.run([uv, "lock", "--quiet", "--python", str(PYTHON)], cwd=root, check=True)
    project, target = load_project(root), Target.parse(SYSTEM, VERSION)
    policy = ClassifyPolicy(from_nixpkgs="none")
    classes = classify(project, resolve(project, Selection(), target), target, Knowledge(), policy)
    notes: list[str] = []
    found = locked_now(project, parse_config(project.tool), [(target, classes)], None, notes.append)
    file = tmp_path / "build.json"
    file.write_text(json.dumps(to_json(found.pins)))
    return root, file


def sync(root: Path, file: Path, name: str = "one") -> tuple[Path, subprocess.CompletedProcess[str]]:
    out, work = root.parent / name / "out", root.parent / name / "work"
    beside = Path(sys.executable).parent / "uv"
    argv = [
        sys.executable, "-m", "uvlock2nix", "sync", str(root), "--out", str(out), "--work", str(work),
        "--interpreter", str(PYTHON), "--python", VERSION, "--system", SYSTEM,
        "--uv", str(beside) if beside.exists() else "uv", "--build-requirements", str(file),
    ]  # fmt: skip
    return out, subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_locked_files_build_whatever_the_index_has_since(tmp_path: Path, index: Index) -> None:
    sdist(index, "plugin")
    sdist(index, "mine", "plugin")
    root, file = locked(tmp_path, index, "mine")
    tool(index, "2.0")
    index.asked.clear()
    out, done = sync(root, file)
    assert done.returncode == 0, done.stderr
    assert (out / SITE / "mine.py").read_text() == "by = '1.0'\nplugin = '1.0'\n"
    assert "building plugin 1.0, a build requirement" in done.stderr
    # The locked files were fetched, and no index was asked for anything.
    assert not [path for path in index.asked if path.startswith("/simple/")]


def test_what_only_the_backend_knew_is_held_back_and_reported(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "helper", {"helper.py": "by = 'helper'"})
    sdist(index, "mine", asks=("helper", "tool"))
    root, file = locked(tmp_path, index, "mine")
    out, done = sync(root, file)
    assert done.returncode == 0, done.stderr
    assert (out / SITE / "mine.py").read_text() == "by = '1.0'\nhelper = 'helper'\n"
    assert "mine: its backend asks for helper, held back to " in done.stderr


def test_a_file_that_was_changed_on_the_index_is_refused(tmp_path: Path, index: Index) -> None:
    sdist(index, "mine")
    root, file = locked(tmp_path, index, "mine")
    make_wheel(index.folder, "tool", {"tool.py": BACKEND.format(version="evil")}, version="1.0")
    _, done = sync(root, file)
    assert done.returncode == 3, done.stderr
    assert "tool-1.0-py3-none-any.whl" in done.stderr


def test_pins_that_are_damaged_are_refused(tmp_path: Path, index: Index) -> None:
    sdist(index, "mine")
    root, file = locked(tmp_path, index, "mine")
    for text in ("[]", "{", '{"files": 1}'):
        file.write_text(text)
        _, done = sync(root, file, text)
        assert done.returncode == 3, done.stderr
        assert "--build-requirements" in done.stderr
