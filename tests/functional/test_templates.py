"""The flake's templates: their files are those that generate writes, and `nix flake check` of each passes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.flakes import FLAKES, nixpkgs_flake, own_flake
from tests.support.stand import REPO, Suite, require_stand

TEMPLATES = REPO / "nix" / "templates"
NAMES = sorted(path.name for path in TEMPLATES.iterdir())
OWN = ("nix/self", *(f"nix/templates/{name}/nix" for name in NAMES))


def written(folder: Path) -> dict[str, object]:
    """The generated files below ``folder``: the text of each, and what pins say.

    After a change of what is generated, scripts/update_templates writes them again.
    """
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = (
                pins_of(path) if path.suffix == ".json" else path.read_text()
            )
    return found


def pins_of(path: Path) -> object:
    """Pins without the options that `generate` remembers: they are not needed to write the same again."""
    return {key: value for key, value in json.loads(path.read_text()).items() if key != "generate"}


def test_there_are_templates() -> None:
    assert NAMES == ["application", "service", "workspace"]
    text = (REPO / "flake.nix").read_text()
    assert all(f"        {name} = " in text for name in NAMES)


@pytest.mark.network
@pytest.mark.parametrize("name", [*NAMES, ""])
def test_generated_files_are_up_to_date(name: str, tmp_path: Path) -> None:
    """Of each template, and of uvlock2nix itself."""
    source = TEMPLATES / name if name else REPO
    project = tmp_path / (name or "uvlock2nix")
    keep = shutil.ignore_patterns(
        *(() if name else (".git", ".venv", "fixtures", "tests", "templates", ".*_cache"))
    )
    shutil.copytree(source, project, ignore=keep)
    done = subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "generate", project, "--force"],
        cwd=REPO,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folder = "nix" if name else "nix/self"
    assert written(project / folder) == written(source / folder)


@pytest.mark.stand
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("suite", ["forky", "trixie"])
@pytest.mark.parametrize("name", NAMES)
def test_nix_flake_check(name: str, suite: Suite, tmp_path: Path) -> None:
    stand = require_stand(suite)
    project = Path(shutil.copytree(TEMPLATES / name, tmp_path / name))
    inputs = {"nixpkgs": nixpkgs_flake(tmp_path / "nixpkgs"), "uvlock2nix": own_flake(tmp_path / "own")}
    words = [word for key, path in inputs.items() for word in ("--override-input", key, f"path:{path}")]
    stand.run(
        ["nix", "flake", "check", f"path:{project}", "--impure", "--no-write-lock-file", *words], env=FLAKES
    )
