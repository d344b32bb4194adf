"""The development shell in real Nix: what it compiles loads, uv changes its environment, direnv takes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import uvlock2nix
from tests.support.flakes import FLAKES, nixpkgs_flake, own_flake
from tests.support.stand import STAND, Stand, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "directory"
version = "1"
requires-python = ">=3.11"
dependencies = ["python-ldap==3.4.5", "pyyaml==6.0.3"]

[tool.uv]
no-binary-package = ["pyyaml"]
"""


@dataclass(frozen=True, slots=True)
class Shell:
    """A project with a flake, and commands in its development shell."""

    stand: Stand
    project: Path
    home: Path

    def run(self, command: str) -> str:
        """What a command prints, with what a build sees as /usr: the stand's compiler is there."""
        words: list[str | Path] = [
            "nix",
            "develop",
            "--impure",
            "--command",
            STAND / "toolchain",
            "bash",
            "-euc",
            command,
        ]
        env = {**GIT, **FLAKES, "HOME": str(self.home), "UV_CACHE_DIR": str(self.home / "uv")}
        return self.stand.run(words, env=env, cwd=self.project).stdout.strip()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    stand = require_stand("forky")
    folder = tmp_path_factory.mktemp("shell")
    project, home = folder / "directory", folder / "home"
    (project / "src/directory").mkdir(parents=True)
    home.mkdir()
    (project / "src/directory/__init__.py").write_text("import ldap, yaml\n")
    (project / "pyproject.toml").write_text(PROJECT)
    subprocess.run([Path(sys.executable).with_name("uv"), "lock", "--quiet"], cwd=project, check=True)
    flags = [f"--flake-url=path:{own_flake(folder / 'own')}"]
    flags += [f"--nixpkgs-url=path:{nixpkgs_flake(folder / 'nixpkgs')}"]
    done = uvlock2nix(stand, "init", project, "--yes", "--no-hash", "--envrc", "--python=3.13", *flags)
    assert done.returncode == 0, done.stderr
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)
    return Shell(stand, project, home)


def test_what_is_compiled_in_the_shell_loads(shell: Shell) -> None:
    loaded = "import directory, _ldap, yaml._yaml; print(_ldap.__file__)"
    module = Path(shell.run(f'uv sync --quiet; uv run python -c "{loaded}"'))
    assert module.is_relative_to(shell.project / ".venv")
    # It finds its library by itself, and nothing of it names a folder that nobody makes.
    read = subprocess.run(["readelf", "-d", module], capture_output=True, text=True, check=True).stdout
    (runpath,) = (line.split("[")[1].rstrip("]") for line in read.splitlines() if "RUNPATH" in line)
    assert [part.split("-")[1] for part in runpath.split(":")] == ["openldap"]
    # What the build of a package asks for is there for it.
    assert shell.run("echo $PYYAML_FORCE_LIBYAML") == "1"


def test_uv_adds_and_installs(shell: Shell) -> None:
    compiled = "uv pip install --quiet --reinstall --no-binary python-ldap python-ldap==3.4.5"
    shell.run(f"uv sync --quiet; {compiled}; .venv/bin/python -c 'import _ldap'")
    added = shell.run("uv add --quiet six; uv run python -c 'import six, _ldap; print(six.__name__)'")
    assert added == "six"
    assert '"six' in (shell.project / "pyproject.toml").read_text()
    # The lock has changed, and the shell opens all the same.
    assert shell.run("uv run python -c 'import sys; print(sys.prefix)'") == f"{shell.project}/.venv"


def test_direnv_takes_it(shell: Shell) -> None:
    program = shutil.which("direnv")
    if program is None:
        reason = "direnv is not installed"
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    assert (shell.project / ".envrc").read_text() == "use flake\n"
    # direnv asks for a pure evaluation; the stand's package set looks at the machine.
    (shell.project / ".envrc").write_text("use flake . --impure\n")
    env = shell.stand.env({**GIT, **FLAKES, "HOME": str(shell.home)})
    subprocess.run([program, "allow"], cwd=shell.project, env=env, check=True)
    done = subprocess.run(
        [program, "exec", ".", "bash", "-c", "echo $UV_PYTHON_PREFERENCE $PATH"],
        cwd=shell.project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The store is not to be seen from out here: only the names tell.
    preference, path = done.stdout.split()
    assert preference == "only-system"
    programs = [Path(part).parent.name.partition("-")[2] for part in path.split(":")]
    assert programs[0].startswith("python3-3.13")
    assert any(name.startswith("uv-") for name in programs)
