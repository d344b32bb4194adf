"""Programs that the project and a dependency both have."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.venv.test_venv_environment import SITE, dist
from uvlock2nix.dist.installed import installed
from uvlock2nix.lock import load_project
from uvlock2nix.sync.own_programs import own_programs

LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1.0"
source = { editable = "." }
"""


def test_entry_points_and_scripts(tmp_path: Path) -> None:
    assert sys.version_info >= (3, 11)
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        '[build-system]\nrequires = []\nbuild-backend = "x"\n'
        '[project.scripts]\ntool = "app:f"\nscript = "app:f"\nmine = "app:f"\n'
    )
    root = tmp_path / "tree"
    dist(root, "one", {"one.py": ""}, "tool = one:f\nother = one:f")
    dist(root, "two", {"two.py": "", "../../../bin/script": ""})
    found = installed(root / SITE)
    project = load_project(tmp_path)
    assert own_programs(project, {"app"}, found) == (
        "uvlock2nix: bin/script: shipped by app, two; kept: app",
        "uvlock2nix: bin/tool: shipped by app, one; kept: app",
    )
    assert own_programs(project, set(), found) == ()
