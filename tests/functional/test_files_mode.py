"""Mode `files` from the command line: generate, check, update-hash, and from one mode to the other."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packages import make_wheel
from uvlock2nix.nar import Hash

UV = Path(sys.executable).with_name("uv")
PYPROJECT = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["one", "two"]
[tool.uv]
package = false
[tool.uv.sources]
one = { path = "vendor/one-1.0-py3-none-any.whl" }
two = { path = "vendor/two-1.0-py3-none-any.whl" }
"""
FLAGS = ("--python", "3.13", "--system", "x86_64-linux")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that is not built itself, with two dependencies: wheels in a folder of the project."""
    root = tmp_path / "app"
    for name in ("one", "two"):
        make_wheel(root / "vendor", name, {f"{name}.py": ""})
    (root / "pyproject.toml").write_text(PYPROJECT)
    lock(root)
    return root


def lock(root: Path) -> None:
    subprocess.run([UV, "lock", "--quiet", "--offline", "--no-python-downloads"], cwd=root, check=True)


def run(root: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "uvlock2nix", arguments[0], str(root), *arguments[1:]]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def files(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((root / "nix").iterdir())}


def test_nothing_is_left_to_do(project: Path) -> None:
    done = run(project, "generate", "--mode", "files", *FLAGS)
    assert "update-hash" not in done.stderr
    packages = json.loads(files(project)["python-deps.json"])["packages"]["x86_64-linux"]
    wheel = project / "vendor" / "one-1.0-py3-none-any.whl"
    assert packages["one"] == {
        "hash": Hash("sha256", hashlib.sha256(wheel.read_bytes()).digest()).sri,
        "kind": "wheel",
        "version": "1.0",
        "file": "one-1.0-py3-none-any.whl",
        "path": "vendor/one-1.0-py3-none-any.whl",
    }
    before = files(project)
    # The mode is remembered by every command, without Nix.
    assert run(project, "check").stdout == "up to date\n"
    assert "nothing to do: in mode `files`" in run(project, "update-hash").stdout
    assert run(project, "update-hash", "--check").stdout == "up to date\n"
    assert json.loads(run(project, "update-hash", "--json").stdout)["changed"] is False
    assert run(project, "generate", "--check", "--mode", "files", *FLAGS).stdout == ""
    assert files(project) == before


def test_a_changed_lock(project: Path) -> None:
    run(project, "generate", "--mode", "files", *FLAGS)
    make_wheel(project / "vendor", "two", {"two.py": "x = 2\n"}, version="2.0")
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("two-1.0", "two-2.0"))
    lock(project)
    stale = run(project, "check", code=1)
    assert "nix/python-deps.json differs from what generate would write" in stale.stderr
    done = run(project, "update-hash")
    assert "wrote nix/python-deps.json" in done.stderr
    assert run(project, "check").stdout == "up to date\n"
    packages = json.loads(files(project)["python-deps.json"])["packages"]["x86_64-linux"]
    assert (packages["one"]["version"], packages["two"]["version"]) == ("1.0", "2.0")


def test_from_one_mode_to_the_other(project: Path) -> None:
    """Only what is generated for deps and env changes; nothing is left of the other mode."""
    run(project, "generate", *FLAGS)
    sync = files(project)
    run(project, "generate", "--mode", "files", *FLAGS)
    by_files = files(project)
    assert sync["package.nix"] == by_files["package.nix"]
    assert sync["python-deps.nix"] != by_files["python-deps.nix"]
    run(project, "generate", *FLAGS)
    assert files(project) == sync
    # The project's setting holds if the command line has none.
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + '[tool.uvlock2nix]\nmode = "files"\n')
    assert "python-deps.nix differs from what generate would write" in run(project, "check", code=1).stderr
    run(project, "generate", *FLAGS)
    assert {**files(project), "python-deps.json": ""} == {**by_files, "python-deps.json": ""}


def test_an_edited_file_is_not_overwritten(project: Path) -> None:
    run(project, "generate", "--mode", "files", *FLAGS)
    deps = project / "nix" / "python-deps.nix"
    deps.write_text(deps.read_text().replace("inherit overrides;", "overrides = _: _: { };"))
    assert "was edited" in run(project, "check").stderr
    run(project, "update-hash")
    assert "overrides = _: _: { };" in deps.read_text()


def test_modes_that_there_are_not(project: Path) -> None:
    assert "'both' is not one of 'sync', 'files'" in run(project, "generate", "--mode", "both", code=2).stderr
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + '[tool.uvlock2nix]\nmode = "both"\n')
    done = run(project, "generate", code=2)
    assert "no mode 'both'" in done.stderr
    assert "hint: the modes are: sync, files" in done.stderr


def test_a_wheel_from_outside(project: Path) -> None:
    outside = project.parent / "outside"
    shutil.move(project / "vendor", outside)
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("vendor/", "../outside/"))
    lock(project)
    assert (
        f"is outside {project}, the only folder that Nix sees"
        in run(project, "generate", "--mode", "files", *FLAGS, code=3).stderr
    )


def fight(project: Path) -> None:
    """Both wheels ship a module, a file of data and a program with other bytes; the project a program."""
    for name in ("one", "two"):
        shipped = {"shared.py": f"x = '{name}'\n", f"{name}-1.0.data/data/share/note": name, "same.py": ""}
        points = f"[console_scripts]\ntool = {name}:main\nown = {name}:main\n"
        make_wheel(project / "vendor", name, {f"{name}.py": "", **shipped}, entry_points=points)
    toml = project / "pyproject.toml"
    text = toml.read_text().replace("[tool.uv]\npackage = false\n", "")
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    toml.write_text(f'{text}[project.scripts]\nown = "app:main"\n{system}')
    (project / "backend.py").write_text("def build_wheel(folder, settings=None, metadata=None): ...\n")
    lock(project)


def test_collisions_are_reported_as_in_mode_sync(project: Path) -> None:
    fight(project)
    done = run(project, "generate", "--mode", "files", *FLAGS)
    choose = 'to choose: "{}" = "NAME" under [tool.uvlock2nix.collisions]'
    assert [line for line in done.stderr.splitlines() if " is in " in line] == [
        "note: bin/own is in app, one, two; the file of app is kept",
        *(
            f"note: {path} is in one, two; the file of two is kept; {choose.format(path)}"
            for path in ("bin/tool", "share/note", "shared.py")
        ),
    ]
    pins = json.loads(files(project)["python-deps.json"])["collisions"]["x86_64-linux"]
    assert pins["paths"] == {
        "bin/own": ["app", "one", "two"],
        "bin/tool": ["one", "two"],
        "share/note": ["one", "two"],
        "shared.py": ["one", "two"],
    }
    toml = project / "pyproject.toml"
    text = toml.read_text()
    toml.write_text(f'{text}[tool.uvlock2nix.collisions]\n"shared.py" = "one"\n"bin/tool" = "One"\n')
    done = run(project, "update-hash")
    assert "shared.py is in one, two; the file of one is kept" in done.stderr
    assert "bin/tool is in one, two; the file of one is kept" in done.stderr
    assert '"shared.py=one"' in files(project)["python-env.nix"]
    toml.write_text(f'{text}[tool.uvlock2nix.collisions]\n"shared.py" = "three"\n')
    done = run(project, "generate", "--mode", "files", *FLAGS, code=3)
    assert "`three` does not ship shared.py" in done.stderr
    assert "hint: the packages that do: one, two" in done.stderr


def test_a_copy_instead_of_links(project: Path) -> None:
    toml = project / "pyproject.toml"
    before = toml.read_text()
    toml.write_text(before + '[tool.uvlock2nix]\nlink-mode = "copy"\n')
    run(project, "generate", "--mode", "files", *FLAGS)
    assert 'linkMode ? "copy"' in files(project)["python-env.nix"]
    # Mode `sync` takes the same line, with a different default.
    toml.write_text(before + '[tool.uvlock2nix]\nlink-mode = "symlink"\n')
    run(project, "generate", *FLAGS)
    assert 'linkMode ? "symlink"' in files(project)["python-env.nix"]
    toml.write_text(before)
    run(project, "generate", *FLAGS)
    assert 'linkMode ? "copy"' in files(project)["python-env.nix"]
    toml.write_text(before + '[tool.uvlock2nix]\nlink-mode = "hardlink"\n')
    done = run(project, "generate", "--mode", "files", *FLAGS, code=2)
    assert "'hardlink' is not a link mode" in done.stderr
    assert "hint: the link modes are: symlink, copy" in done.stderr
