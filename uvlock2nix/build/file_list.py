"""A file list from git, for build tools that take theirs from it.

setuptools-scm and pbr put into the wheel what git tracks. The source of a Nix build holds just these
files and no repository, so it gets one: a single commit of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from uvlock2nix.build.programs import Runner
from uvlock2nix.build.requirements import read_build_system
from uvlock2nix.build.values import Build
from uvlock2nix.knowledge.backends import lists_files_by_git

_SETTINGS = (
    "user.name=uvlock2nix",
    "user.email=uvlock2nix@localhost",
    "commit.gpgsign=false",
    "core.autocrlf=false",
    "core.hooksPath=/dev/null",
    "init.defaultBranch=main",
)
# The commit is the same in every build.
_DATE = "1980-01-01T00:00:00Z"


def commit_source(root: Path, builds: Iterable[Build], run: Runner, env: Mapping[str, str]) -> None:
    """Make a repository of ``root``, the source of all builds, where one of them asks git for its files.

    A repository that is there, or around it, stays as it is.

    Raises:
        ToolError: git failed, or is not there.
    """
    folders = [build.source.folder for build in builds if build.source.folder is not None]
    if not any(lists_files_by_git(read_build_system(folder).requires) for folder in folders):
        return
    if any((place / ".git").exists() for place in (root, *root.parents)):
        return
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    dates = {"GIT_AUTHOR_DATE": _DATE, "GIT_COMMITTER_DATE": _DATE}
    quiet = {**env, **dates, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for words in (["init", "--quiet"], ["add", "--all", "--force"], ["commit", "--quiet", "-m", "source"]):
        run(["git", *settings, *words], what="making the file list", env=quiet, cwd=root)
