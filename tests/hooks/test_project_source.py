"""The source of package: what git tracks, else neither secrets nor rubbish, at every depth."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.stand import REPO, Stand, require_stand

pytestmark = [pytest.mark.stand]

KEPT = (
    "pyproject.toml",
    "src/app/__init__.py",
    "src/app/results/one.py",
    "packages/mem/environment.py",
    "docs/key.md",
    # Names of builds, and none made.
    "src/app/build/lib.py", "src/app/target/x.py", "env/settings.toml",
    # Built in place: the source is there, too.
    "in-place/CMakeLists.txt", "in-place/CMakeCache.txt",
)  # fmt: skip
LEFT = (
    ".env", ".env.production", "packages/mem/.env", ".venv/bin/python", "packages/mem/.venv/x",
    "node_modules/x", "web/node_modules/deep/x", ".mypy_cache/x", "src/app/__pycache__/a.pyc",
    "src/app.egg-info/PKG-INFO",
    "secrets/key.pem", "deploy/id_rsa", "deploy/id_ed25519.pub", ".netrc", "packages/mem/.pypirc",
    "build/lib/app/old.py", "build/temp.linux-x86_64-cpython-313/CMakeCache.txt",
    "packages/mem/build/lib.linux-x86_64-cpython-313/x.so", "build/bdist.linux-x86_64/x",
    "rust/target/.rustc_info.json", "rust/target/release/app", "builddir/meson-private/x", "builddir/y",
    "out/CMakeCache.txt", "out/y", "virtual/pyvenv.cfg", "virtual/bin/python",
    "nix/package.nix", "flake.nix", "flake.lock", ".coverage", "tls/server.key", ".git-credentials",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in (*KEPT, *LEFT):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / "result").symlink_to("/nowhere")
    (root / "packages" / "result-venv").symlink_to("/nowhere")
    return root


def source(root: Path, more: str = "", stand: Stand | None = None, *, without: str = "") -> set[str]:
    """The files of the source, seen from its root; ``without``: names that are left out in addition."""
    hook = f"import {REPO}/hooks/project-source.nix {{ inherit (import <nixpkgs> {{ }}) lib; }}"
    made = f"(({hook}) {{ root = {root}; {more} }})"
    code = f'"${{{made}}}"' if not without else f'"${{{made}.without [ {without} ]}}"'
    stand = stand or require_stand("forky")
    out = stand.run(["nix-instantiate", "--eval", "--read-write-mode", "-E", code]).stdout.strip().strip('"')
    found = stand.path(out)
    return {str(path.relative_to(found)) for path in found.rglob("*") if not path.is_dir()}


def test_without_git(project: Path) -> None:
    assert source(project) == set(KEPT)


def test_include_and_exclude(project: Path) -> None:
    more = f"include = [ {project}/tls/server.key ]; exclude = [ {project}/docs {project}/not-there ];"
    assert source(project, more) == {*KEPT, "tls/server.key"} - {"docs/key.md"}


def test_the_same_source_without_some_files(project: Path) -> None:
    more = f"exclude = [ {project}/docs ];"
    assert source(project, more, without='"pyproject.toml" "not-there"') == {*KEPT} - {
        "docs/key.md",
        "pyproject.toml",
    }


@pytest.mark.parametrize("suite", ["forky", "bookworm"])
def test_with_git_what_it_tracks_counts(project: Path, suite: str) -> None:
    tracked = ("pyproject.toml", "src/app/__init__.py", ".env.production", "nix/package.nix")

    def git(*arguments: str) -> None:
        flags = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
        subprocess.run(["git", *flags, *arguments], cwd=project, check=True, capture_output=True)

    git("init")
    git("add", "--force", *tracked)
    git("commit", "-m", "one")
    # As it is in the working tree, changed or new, as long as git knows of it.
    (project / "src" / "app" / "__init__.py").write_text("changed")
    (project / "new.py").write_text("x")
    git("add", "new.py")
    stand = require_stand("forky" if suite == "forky" else "bookworm")
    assert source(project, stand=stand) == {*tracked, "new.py"} - {"nix/package.nix"}
