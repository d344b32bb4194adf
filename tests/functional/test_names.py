"""Names that mean something to Nix, or need quotes, and programs that two packages have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.flakes import FLAKES, nixpkgs_flake, own_flake
from tests.support.stand import REPO, require_stand

UV = Path(sys.executable).with_name("uv")


def member(folder: Path, name: str, scripts: dict[str, str], more: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f'"{script}" = "{target}"\n' for script, target in scripts.items())
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["flit_core>=3.12,<4"]\nbuild-backend = "flit_core.buildapi"\n'
        f'[project]\nname = "{name}"\nversion = "1"\ndescription = "d"\nrequires-python = ">=3.11"\n'
        f"[project.scripts]\n{lines}{more}"
    )


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


TABLE = """
[tool.uvlock2nix]
python = "3.13"
system = "x86_64-linux"
mode = "files"

[tool.uvlock2nix.environments]
3to2 = { }
let = { }
"""


@pytest.mark.stand
@pytest.mark.network
@pytest.mark.slow
def test_keywords_and_names_that_need_quotes(tmp_path: Path) -> None:
    stand = require_stand("forky")
    project = tmp_path / "a b"
    member(project, "with", {"a.b": "x:f", "3to2": "x:f", "rec": "x:f", "with": "x:f"}, TABLE)
    subprocess.run([UV, "lock", "-q", "--directory", project], check=True)
    inputs = [f"--uvlock2nix=path:{own_flake(tmp_path / 'own')}"]
    inputs += [f"--nixpkgs-url=path:{nixpkgs_flake(tmp_path / 'nixpkgs')}"]
    done = run("init", project, "--yes", "--no-hash", "--module", "--image", *inputs)
    assert done.returncode == 0, done.stderr
    at = f"path:{project}".replace(" ", "%20")
    shown = json.loads(stand.run(["nix", "flake", "show", "--json", "--impure", at], env=FLAKES).stdout)
    apps = set(shown["apps"]["x86_64-linux"])
    assert apps >= {"a.b", "3to2", "rec", "with", "default", "let", "let-a.b", "3to2-rec"}
    assert set(shown["packages"]["x86_64-linux"]) >= {"with", "default", "image", "3to2", "let", "let-venv"}
    stand.run(["nix", "flake", "check", "--no-build", "--impure", at], env=FLAKES)


@pytest.mark.network
def test_two_members_with_one_program_are_reported(tmp_path: Path) -> None:
    for name in ("one", "two"):
        member(tmp_path / name, name, {"serve": f"{name}:f"})
    table = TABLE.replace("3to2 = { }\nlet = { }\n", 'one.package = "one"\ntwo.package = "two"\n')
    (tmp_path / "pyproject.toml").write_text(f'[tool.uv.workspace]\nmembers = ["one", "two"]\n{table}')
    subprocess.run([UV, "lock", "-q", "--directory", tmp_path], check=True)
    done = run("generate", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "one and two each declare the program `serve`; that of two is kept" in done.stderr
    toml = tmp_path / "pyproject.toml"
    toml.write_text(
        toml.read_text().replace(
            "[tool.uvlock2nix.environments]\n", "[tool.uvlock2nix.environments]\ndefault = false\n"
        )
    )
    again = run("generate", tmp_path)
    assert "each declare" not in again.stderr
    # Without its siblings: what it is built from, and what it runs.
    assert "two" not in (tmp_path / "nix" / "one" / "package.nix").read_text().replace("another", "")


def test_a_project_without_programs(tmp_path: Path) -> None:
    member(tmp_path, "bare", {})
    (tmp_path / "uv.lock").write_text(
        'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "bare"\nversion = "1"\n'
        'source = { editable = "." }\n'
    )
    done = run("generate", tmp_path, "--module")
    assert done.returncode == 2
    assert "the project has no program for a service to run" in done.stderr
    assert 'processes = { web = ["program"] }' in done.stderr
    assert not (tmp_path / "nix").exists()
