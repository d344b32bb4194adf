"""``uvlock2nix init``: what it writes, what it leaves alone, and that the flake works in real Nix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.e2e.conftest import copy_fixture
from tests.support.flakes import FLAKES, nixpkgs_flake, own_flake
from tests.support.stand import REPO, STAND, Stand, Suite, require_stand

GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


def run(*words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "uvlock2nix", *map(str, words)],
        cwd=REPO,
        env=env or {**os.environ, **GIT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def git(project: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(project), *words], check=True, env={**os.environ, **GIT})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_fixture("hello", tmp_path)


def test_it_writes_everything_and_says_what_is_next(project: Path) -> None:
    git(project, "init", "-q")
    before = (project / "pyproject.toml").read_text()
    done = run("init", project, "--yes", "--no-hash", "--gitignore", "--envrc", "--python=3.13")
    assert done.returncode == 0, done.stderr
    written = set(done.stdout.split("wrote ")[1:])
    assert {"flake.nix\n", "pyproject.toml\n", ".gitignore\n", ".envrc\n", "nix/package.nix\n"} <= written
    assert "next: git add -N .; " in done.stderr  # git sees nothing of the project yet
    assert "uvlock2nix update-hash; nix build" in done.stderr
    text = (project / "pyproject.toml").read_text()
    assert text.startswith(before.rstrip("\n"))
    assert tomllib.loads(text)["tool"]["uvlock2nix"]["python"] == "3.13"
    # Everything exists already: a second run writes nothing and leaves the user's flake alone.
    (project / "flake.nix").write_text("{ }\n")
    again = run("init", project, "--yes", "--no-hash", "--gitignore", "--envrc", "--python=3.13")
    assert again.returncode == 0, again.stderr
    assert again.stdout == ""
    assert (project / "flake.nix").read_text() == "{ }\n"
    assert "inputs.uvlock2nix.url" in again.stderr
    assert run("check", project).returncode == 1  # the hash is missing, and nothing else
    assert run("generate", project, "--python=3.13", "--check").returncode == 0


def test_a_table_that_is_there_stays_as_it_is(project: Path) -> None:
    file = project / "pyproject.toml"
    file.write_text(file.read_text() + '\n[tool.uvlock2nix]\npython = "3.13"\nsystem = "x86_64-linux"\n')
    before = file.read_text()
    assert run("init", project, "--yes", "--no-hash").returncode == 0
    assert file.read_text() == before


def test_a_project_without_a_lock_is_told_how_to_make_one(project: Path) -> None:
    (project / "uv.lock").unlink()
    done = run("init", project, "--yes")
    assert done.returncode == 3
    assert "uv lock" in done.stderr
    assert not (project / "nix").exists()
    assert not (project / "flake.nix").exists()


def test_a_script_is_sent_to_generate(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("# /// script\n# ///\n")
    done = run("init", tmp_path / "tool.py")
    assert done.returncode == 2
    assert "uvlock2nix generate" in done.stderr


@pytest.mark.stand
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("suite", ["forky", "trixie"])
def test_the_flake_builds_runs_and_develops(suite: Suite, tmp_path: Path) -> None:
    stand: Stand = require_stand(suite)
    project = copy_fixture("blog", tmp_path)
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('python = "3.13"\n', ""))
    git(project, "init", "-q")
    urls = {"nixpkgs": nixpkgs_flake(tmp_path / "nixpkgs"), "uvlock2nix": own_flake(tmp_path / "own")}
    flags = [f"--flake-url=path:{urls['uvlock2nix']}", f"--nixpkgs-url=path:{urls['nixpkgs']}"]
    env = stand.env({**GIT, "NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"})
    done = run("init", project, "--yes", "--module", "--python=3.13", *flags, env=env)
    assert done.returncode == 0, done.stderr
    assert "update-hash" not in done.stderr, done.stderr
    git(project, "add", "-A")

    def nix(*words: str) -> str:
        # The stand's package set looks at the machine, which a pure evaluation may not.
        return stand.run(["nix", *words], env={**GIT, **FLAKES}, cwd=project).stdout

    package = nix("build", "--impure", "--no-link", "--print-out-paths", ".#default").split()[0]
    assert os.path.lexists(stand.path(f"{package}/bin/blog"))
    assert not os.path.lexists(stand.path(f"{package}/bin/python"))
    state = tmp_path / "state"
    state.mkdir()
    variables = {**GIT, **FLAKES, "BLOG_STATE": str(state)}
    stand.run(["nix", "run", "--impure", ".#blog", "--", "migrate"], env=variables, cwd=project)
    counted = stand.run(["nix", "run", "--impure", ".", "--", "count"], env=variables, cwd=project).stdout
    assert counted.strip() == "0"
    nix("flake", "check", "--impure")
    shown = json.loads(nix("flake", "show", "--json", "--impure"))
    assert set(shown) >= {"packages", "apps", "checks", "devShells", "formatter", "overlays", "nixosModules"}
    script = "import sys; print(sys.version_info[:2])"
    inside = nix("develop", "--impure", "--command", "python", "-c", script)
    assert inside.strip() == "(3, 13)"
    # uv's own environment, writable, with the project editable; what a wheel or an install adds is in it.
    words = "uv sync -q && uv pip install -q six && uv run python -c 'import blog, six; print(blog.__file__)'"
    shown = nix("develop", "--impure", "--command", "bash", "-c", words).strip()
    assert shown == f"{project}/src/blog/__init__.py"
    assert list((project / ".venv").glob("lib/python3.13/site-packages/six.py"))


@pytest.mark.stand
def test_a_flake_that_needs_nixpkgs_alone(tmp_path: Path) -> None:
    stand = require_stand("forky")
    project = copy_fixture("hello", tmp_path)
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + '\n[tool.uvlock2nix]\nmode = "files"\n')
    git(project, "init", "-q")
    nixpkgs = nixpkgs_flake(tmp_path / "nixpkgs")
    words = ("--yes", "--no-hash", "--python=3.13", "--standalone")
    done = run("init", project, *words, f"--nixpkgs-url=path:{nixpkgs}")
    assert done.returncode == 0, done.stderr
    flake = (project / "flake.nix").read_text()
    assert "uvlock2nix.url" not in flake
    assert "overlay = _final: _prev: { };" in flake
    git(project, "add", "-A")
    for output, name in (("packages", "hello-uv-"), ("devShells", "nix-shell")):
        argv = ["nix", "eval", "--impure", "--raw", f".#{output}.x86_64-linux.default.name"]
        assert stand.run(argv, env={**GIT, **FLAKES}, cwd=project).stdout.startswith(name)
    both = run("init", project, *words, "--uvlock2nix=path:/x")
    assert both.returncode == 2
    assert "--standalone and --uvlock2nix cannot be used together" in both.stderr
