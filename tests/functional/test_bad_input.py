"""Bad input ends in one ``error:``, one ``hint:`` and the right exit code; never in a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns("result", ".venv", "__pycache__")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPO / "fixtures" / "authentik", tmp_path / "project", ignore=LEFT_OUT))


def refused(*arguments: str | Path, code: int, path: Path | None = None) -> str:
    """Run the command; it must end with ``code``, one error, one hint and nothing on stdout."""
    env = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME="/nonexistent/cache")
    if path is not None:
        env["PATH"] = str(path)
    argv = [sys.executable, "-m", "uvlock2nix", *map(str, arguments)]
    done = subprocess.run(argv, cwd=REPO, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.startswith("error: ") for line in lines].count(True) == 1, done.stderr
    assert [line.startswith("hint: ") for line in lines].count(True) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert lines[-1].startswith("hint: ")
    assert "\x1b" not in done.stderr
    return done.stderr


COMMANDS = ("generate", "classify")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_lock(project: Path, command: str) -> None:
    (project / "uv.lock").unlink()
    said = refused(command, project, code=3)
    assert "uv.lock" in said
    assert "uv lock" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_no_project(tmp_path: Path, command: str) -> None:
    assert "pyproject.toml" in refused(command, tmp_path, code=3)
    assert "nowhere" in refused(command, tmp_path / "nowhere", code=3)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_lock_of_another_version_names_both_numbers(project: Path, command: str) -> None:
    lock = project / "uv.lock"
    lock.write_text(lock.read_text().replace("version = 1\n", "version = 7\n", 1))
    said = refused(command, project, code=3)
    assert "7" in said.split("hint:")[0]
    assert "1" in said.split("hint:")[0].replace("7", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_member_is_named(project: Path, command: str) -> None:
    shutil.rmtree(project / "packages" / "authentik-like-tasks")
    said = refused(command, project, code=3)
    assert "authentik-like-tasks" in said


@pytest.mark.parametrize("command", ["generate", "classify"])
def test_an_unknown_package_is_named_with_its_neighbours(project: Path, command: str) -> None:
    said = refused(command, project, "--package", "authentik-like-task", code=2)
    assert "authentik-like-task" in said
    assert "authentik-like-tasks" in said


def test_update_hash_without_nix(project: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(project)]
    subprocess.run(argv, cwd=REPO, capture_output=True, check=True)
    before = (project / "nix" / "python-deps.json").read_bytes()
    (tmp_path / "empty").mkdir()
    said = refused("update-hash", project, code=4, path=tmp_path / "empty")
    assert "nix" in said.lower()
    assert (project / "nix" / "python-deps.json").read_bytes() == before


def test_update_hash_before_generate_ends_in_order(project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    argv = [sys.executable, "-m", "uvlock2nix", "update-hash", str(project)]
    env = dict(os.environ, NO_COLOR="1", PATH=str(tmp_path / "empty"))
    done = subprocess.run(argv, cwd=REPO, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (3, 4), done.stderr
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00[[")


def unclosed(path: Path) -> None:
    path.write_text('version = 1\n[[package]]\nname = "a')


def wrong_shape(path: Path) -> None:
    path.write_text("version = 1\npackage = 3\n[project]\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGE = (garbage, unclosed, wrong_shape, a_folder, a_loop)


@pytest.mark.parametrize(
    "name", ["uv.lock", "pyproject.toml", "packages/authentik-like-client/pyproject.toml"]
)
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_named(project: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(project / name)
    said = refused("generate", project, code=3)
    assert Path(name).name in said
    assert not (project / "nix").exists()


def test_an_empty_lock_is_no_lock(project: Path) -> None:
    empty(project / "uv.lock")
    assert "uv.lock" in refused("generate", project, code=3)


def truncated(text: str) -> str:
    return text[:30]


def of_tomorrow(text: str) -> str:
    return text.replace('"schema": 1', '"schema": 99')


def of_lists(text: str) -> str:
    return "[]"


@pytest.mark.parametrize("damage", [truncated, of_tomorrow, of_lists], ids=lambda damage: damage.__name__)
def test_damaged_pins_are_named(project: Path, damage: Callable[[str], str]) -> None:
    argv = [sys.executable, "-m", "uvlock2nix", "generate", str(project)]
    subprocess.run(argv, cwd=REPO, capture_output=True, check=True)
    pins = project / "nix" / "python-deps.json"
    pins.write_text(damage(pins.read_text()))
    before = pins.read_bytes()
    for command in ("generate", "check"):
        assert "python-deps.json" in refused(command, project, code=3)
    assert pins.read_bytes() == before


def test_what_nix_cannot_hold_is_refused(project: Path) -> None:
    path = project / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.uvlock2nix]\nmain-program = "a\\u0000b"\n')
    assert "NUL" in refused("generate", project, code=3)
    assert not (project / "nix").exists()


def test_a_name_that_nix_reserves_is_refused(project: Path) -> None:
    path = project / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.uvlock2nix.native.lxml]\nbuild-inputs = ["with"]\n')
    refused("generate", project, code=3)
    path.write_text(path.read_text().replace('["with"]', '["pins"]'))
    assert "pins" in refused("generate", project, code=2)


def test_folders_that_are_nested_too_deeply(tmp_path: Path) -> None:
    """As deep as a path can be, which is more than Python before 3.12 walks through."""
    (tmp_path / "lib" / "python3.13" / "site-packages" / "x-1.dist-info").mkdir(parents=True)
    deep = "/".join(["a"] * 1000)
    subprocess.run(
        ["mkdir", "-p", f"{tmp_path}/lib/python3.13/site-packages/{deep}/{deep[:1000]}"], check=True
    )
    argv = [sys.executable, "-m", "uvlock2nix", "wheel", "settle", str(tmp_path)]
    argv += ["--interpreter", sys.executable, "--python", "3.13", "--no-bytecode"]
    done = subprocess.run(argv, cwd=REPO, capture_output=True, text=True, timeout=60, check=False)
    subprocess.run(["rm", "-rf", tmp_path / "lib"], check=True)
    assert "Traceback" not in done.stderr
    if sys.version_info < (3, 12):
        assert (done.returncode, "nested too deeply" in done.stderr) == (3, True), done.stderr
