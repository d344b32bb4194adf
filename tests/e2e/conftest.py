"""The whole way on real input, once for all tests here: generate → update-hash → build, in real Nix."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import git_server
from tests.support.stand import REPO, STAND, Stand, require_stand

EXPRESSION = (
    "{ dir, file }: (import <nixpkgs> { overlays = [ (import OVERLAY) ]; }).callPackage (/. + dir + file) { }"
).replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))


@dataclass(frozen=True, slots=True)
class Built:
    """A project that went the whole way: where it is, what came of it, how long each part took (seconds).

    ``venv`` is everything, ``package`` what a user installs.
    """

    stand: Stand
    project: Path
    package: str
    venv: str
    env: str
    deps: str
    deps_drv: str
    seconds: dict[str, float]

    def host(self, store_path: str) -> Path:
        """A store path as seen from outside of the stand."""
        return self.stand.path(store_path)

    @property
    def site(self) -> Path:
        (site,) = self.host(self.venv).glob("lib/python3.*/site-packages")
        return site

    @property
    def pins(self) -> dict[str, dict[str, dict[str, str]]]:
        data: dict[str, dict[str, dict[str, str]]] = json.loads(
            (self.project / "nix" / "python-deps.json").read_text()
        )
        return data


def uvlock2nix(
    stand: Stand, *arguments: str | Path, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the command on the host with the stand's Nix on its PATH."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "uvlock2nix", *map(str, arguments)],
        env=stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"}),
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=2400,
        check=False,
    )


def instantiate(stand: Stand, project: Path, file: str) -> str:
    """The derivation of one of the generated files."""
    arguments = ["--argstr", "dir", str(project), "--argstr", "file", f"/nix/{file}"]
    done = stand.run(["nix-instantiate", "-E", EXPRESSION, *arguments])
    return done.stdout.strip().splitlines()[-1]


def realise(stand: Stand, drv: str, *flags: str) -> str:
    """Build a derivation; its output, the venv where there are several."""
    paths = stand.run(["nix-store", "--realise", *flags, drv], timeout=2400).stdout.split()
    return next((path for path in paths if path.endswith("-venv")), paths[-1])


def copy_fixture(name: str, to: Path) -> Path:
    ignored = shutil.ignore_patterns("nix", ".venv", "__pycache__", "result*")
    return Path(shutil.copytree(REPO / "fixtures" / name, to / name, ignore=ignored))


def go(stand: Stand, project: Path) -> Built:
    """generate → update-hash → nix-build."""
    seconds: dict[str, float] = {}
    with timed(seconds, "generate"):
        done = uvlock2nix(stand, "generate", project)
    assert done.returncode == 0, done.stderr
    with timed(seconds, "update-hash"):
        done = uvlock2nix(stand, "update-hash", project)
    assert done.returncode == 0, done.stderr
    with timed(seconds, "package"):
        package_drv = instantiate(stand, project, "package.nix")
        venv = realise(stand, package_drv)
    (package,) = [
        path
        for path in stand.run(["nix-store", "--query", "--outputs", package_drv]).stdout.split()
        if path != venv
    ]
    env_drv = instantiate(stand, project, "python-env.nix")
    deps_drv = instantiate(stand, project, "python-deps.nix")
    outputs = stand.run(["nix-store", "--query", "--outputs", env_drv]).stdout.split()
    env = next(one for one in outputs if one.endswith("-env"))
    deps = realise(stand, deps_drv)
    print(f"{project.name}: " + ", ".join(f"{name} {took:.0f} s" for name, took in seconds.items()))
    return Built(stand, project, package, venv, env, deps, deps_drv, seconds)


class timed:  # noqa: N801 - reads as a statement
    """``with timed(seconds, "name"):`` notes how long it took."""

    def __init__(self, into: dict[str, float], name: str) -> None:
        self.into, self.name = into, name

    def __enter__(self) -> None:
        self.start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.into[self.name] = time.monotonic() - self.start


@pytest.fixture(scope="session")
def stand() -> Stand:
    return require_stand("forky")


@pytest.fixture(scope="session")
def authentik(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """fixtures/authentik in the newest Nix that Debian has: it refuses references in such a derivation."""
    project = copy_fixture("authentik", tmp_path_factory.mktemp("authentik"))
    # Only while it builds: the server's port is a fixed one, and other tests want it too.
    with git_server.serve(wait=600):
        return go(stand, project)


@pytest.fixture(scope="session")
def hello(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return go(stand, copy_fixture("hello", tmp_path_factory.mktemp("hello")))


def quiet_environment(**values: str) -> dict[str, str]:
    """An environment for a program under test: nothing of ours that could help it."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nowhere",
        "LANG": "C.UTF-8",
        **values,
        "TERM": os.environ.get("TERM", ""),
    }
