"""A file list from git, for build tools that use it.

setuptools-scm and pbr put the files that git tracks into the wheel. The source of a Nix build has just these
files and no repository, so it gets one: a single commit of everything, with a tag for build scripts that find
their version in no other way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from uvlock2nix.build.programs import Runner
from uvlock2nix.build.requirements import read_build_system
from uvlock2nix.build.values import Build
from uvlock2nix.inspect.project_version import release_tag
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
    """Make ``root``, the source of all builds, a repository if one of them lists its files with git.

    An existing repository there or around it is left unchanged.

    Raises:
        ToolError: git failed or is missing.
    """
    folders = [(build, build.source.folder) for build in builds if build.source.folder is not None]
    tagged = {release_tag(folder, build.version) for build, folder in folders if build.version} - {""}
    lists = any(lists_files_by_git(read_build_system(folder).requires) for _, folder in folders)
    if not lists and not tagged:
        return
    if any((place / ".git").exists() for place in (root, *root.parents)):
        return
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    dates = {"GIT_AUTHOR_DATE": _DATE, "GIT_COMMITTER_DATE": _DATE}
    quiet = {**env, **dates, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for words in (["init", "--quiet"], ["add", "--all", "--force"], ["commit", "--quiet", "-m", "source"]):
        run(["git", *settings, *words], what="making the file list", env=quiet, cwd=root)
    for tag in sorted(tagged):
        run(["git", *settings, "tag", "-a", "-m", tag, tag], what="making a tag", env=quiet, cwd=root)
