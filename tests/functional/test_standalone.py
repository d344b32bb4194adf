"""`generate --standalone`: the parts of uvlock2nix that the files need are next to them, and kept up to
date.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.test_files_mode import FLAGS, lock, run
from tests.support.packages import make_wheel
from uvlock2nix.app.standalone import ENTRIES, run_time_files
from uvlock2nix.cli import PLAIN
from uvlock2nix.cli.app import HIDDEN

PYPROJECT = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["one"]
[tool.uv]
package = false
[tool.uv.sources]
one = { path = "vendor/one-1.0-py3-none-any.whl" }
"""


def test_every_command_that_hooks_call_is_taken_along() -> None:
    called = {module for module, _ in HIDDEN.values()} | set(PLAIN)
    assert {f"uvlock2nix.cli.{module}" for module in called} <= set(ENTRIES)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    make_wheel(root / "vendor", "one", {"one.py": ""})
    (root / "pyproject.toml").write_text(PYPROJECT)
    lock(root)
    return root


def test_what_is_written_is_remembered_and_not_overwritten(project: Path) -> None:
    done = run(project, "generate", "--mode", "files", "--standalone", *FLAGS)
    ours = project / "nix" / "uvlock2nix"
    count = sum(path.is_file() for path in ours.rglob("*"))
    assert f"wrote nix/uvlock2nix ({count} files)" in done.stdout
    default = "uvEnvHook ? (callPackage ./uvlock2nix { }).uvEnvHook"
    assert default in (project / "nix" / "python-env.nix").read_text()
    assert run(project, "check").stdout == "up to date\n"
    hook = ours / "hooks" / "uv-env-hook.sh"
    text = hook.read_text()
    hook.write_text(text + "# mine\n")
    # Without the option: what was asked for once is kept.
    assert "uv-env-hook.sh: edited" in run(project, "generate", "--mode", "files", *FLAGS, code=1).stderr
    assert hook.read_text().endswith("# mine\n")
    run(project, "generate", "--mode", "files", "--force", *FLAGS)
    assert hook.read_text() == text
    # What an older version wrote is replaced, for it was not edited.
    listed = json.loads((ours / "files.json").read_text())
    hook.write_text("# old\n")
    listed["files"]["hooks/uv-env-hook.sh"] = hashlib.sha256(b"# old\n").hexdigest()
    (ours / "files.json").write_text(json.dumps(listed))
    assert "uv-env-hook.sh differs from what generate would write" in run(project, "check", code=1).stderr
    run(project, "update-hash")
    assert hook.read_text() == text


def test_mode_sync_takes_the_same_folder(project: Path) -> None:
    run(project, "generate", "--standalone", *FLAGS)
    text = (project / "nix" / "python-deps.nix").read_text()
    assert "uvSyncHook ? (callPackage ./uvlock2nix { }).uvSyncHook" in text


def test_the_modules_that_builds_run_are_all_there(tmp_path: Path) -> None:
    """Every command that a hook calls imports what it needs from the copied files alone."""
    files = run_time_files()
    package = next(path for path in files if path.name == "layout.py").parent
    for path in files:
        to = tmp_path / "uvlock2nix" / path.relative_to(package)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(path.read_bytes())
    code = """
import importlib, pathlib, sys
sys.path.insert(0, sys.argv[1])
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    name = ".".join(path.relative_to(sys.argv[1]).with_suffix("").parts).removesuffix(".__init__")
    if path.stem not in ("compile_modules", "call_backend"):
        assert importlib.import_module(name).__file__.startswith(sys.argv[1]), name
"""
    argv = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
