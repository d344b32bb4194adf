"""Tools that ask git which files there are find a repository with all of them, the same in every build."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from uvlock2nix.build.file_list import commit_source
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.values import Build, NativeBuild, Source
from uvlock2nix.build.version import with_version

ASKS = '[build-system]\nrequires = ["setuptools", "setuptools-scm>=8"]\n'
ASKS_NOT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


def project(folder: Path, text: str) -> Build:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(text)
    (folder / "data.txt").write_text("data")
    (folder / ".gitignore").write_text("data.txt\n")
    return Build(folder.name, None, Source(folder=folder), NativeBuild())


def listed(folder: Path) -> list[str]:
    words = ["git", "-C", str(folder), "ls-files"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def head(folder: Path) -> str:
    words = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_a_build_that_asks_git_finds_every_file(tmp_path: Path) -> None:
    heads = []
    for number in ("1", "2"):
        root = tmp_path / number
        asks, other = project(root / "libs" / "asks", ASKS), project(root / "other", ASKS_NOT)
        commit_source(root, [asks, other], Runner(), os.environ)
        # The root is the repository, as in the place that the project comes from.
        assert {"libs/asks/data.txt", "other/data.txt"} <= set(listed(root))
        heads.append(head(root))
    assert heads[0] == heads[1]


def test_builds_that_do_not_ask_need_no_git(tmp_path: Path) -> None:
    build = project(tmp_path / "other", ASKS_NOT)
    commit_source(tmp_path, [build], Runner(), {"PATH": "/nowhere"})
    assert not (tmp_path / ".git").exists()


def test_a_repository_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    build = project(tmp_path / "asks", ASKS)
    (tmp_path / ".git").mkdir()
    commit_source(tmp_path / "asks", [build], Runner(), os.environ)
    assert not (tmp_path / "asks" / ".git").exists()


def test_a_build_script_that_knows_only_tags_finds_one(tmp_path: Path) -> None:
    """What it would have called in the project's own repository, it calls here."""
    script = "import subprocess\nV = subprocess.check_output(['git', 'describe'], text=True)\n"
    build = project(tmp_path / "app", ASKS_NOT)
    (tmp_path / "app" / "setup.py").write_text(script)
    commit_source(tmp_path, [with_version(build, "1.2.3")], Runner(), os.environ)
    words = ["git", "-C", str(tmp_path / "app"), "describe"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "v1.2.3\n"
    assert not (tmp_path / "app" / "PKG-INFO").exists()
