"""Indexes that ask for a login, and indexes in folders: what deps gets to see, without and with a daemon."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import instantiate, uvlock2nix
from tests.support.packages import Index, make_sdist, make_wheel, served
from tests.support.stand import REPO, STAND, Stand

pytestmark = [pytest.mark.stand]

UV = str(Path(sys.executable).parent / "uv")
USER, SECRET = "some-body", "s3cr3t-pa55"
BACKEND = """\
import zipfile

def build_wheel(folder, settings=None, metadata=None):
    name = "made-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("made.py", "x = 1\\n")
        wheel.writestr("made-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: made\\nVersion: 1.0\\n")
        text = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("made-1.0.dist-info/WHEEL", text)
        wheel.writestr("made-1.0.dist-info/RECORD", "made.py,,\\nmade-1.0.dist-info/METADATA,,\\n")
    return name
"""  # fmt: skip
SYSTEM = '[build-system]\nrequires = ["secret-backend"]\nbuild-backend = "secret_backend"\n'
METADATA = '[[tool.uv.dependency-metadata]]\nname = "made"\nversion = "1.0"\n'


def write_project(folder: Path, index: str) -> None:
    """A project that needs a wheel and an sdist; the sdist's build backend is in the index, too."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "asks"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["ready", "made"]\n[tool.uv]\npackage = false\n{index}{METADATA}'
        '[tool.uvlock2nix]\npython = "3.13"\n'
    )


def fill(folder: Path) -> None:
    make_wheel(folder, "ready", {"ready.py": ""})
    make_wheel(folder, "secret_backend", {"secret_backend.py": BACKEND})
    make_sdist(folder, "made", {"pyproject.toml": SYSTEM})


def write_pages(folder: Path) -> None:
    """The pages of a simple index, without times. https://peps.python.org/pep-0503/"""
    for file in [one for one in folder.iterdir() if one.is_file()]:
        page = folder / "simple" / file.name.partition("-")[0].replace("_", "-") / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(
            f'<!DOCTYPE html><html><body><a href="../../{file.name}">{file.name}</a></body></html>'
        )


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Index]:
    with served(tmp_path / "files", login=(USER, SECRET)) as index:
        fill(index.folder)
        yield index


def lock(folder: Path, **env: str) -> None:
    argv = [UV, "lock", "--quiet", "--no-cache"]
    done = subprocess.run(argv, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def go(stand: Stand, folder: Path, command: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """One of our commands, with the stand's Nix and nothing of a login but ``env``."""
    prefix = ("env", *(f"{name}={value}" for name, value in env.items()))
    return uvlock2nix(stand, command, folder, prefix=prefix)


def secret_free(stand: Stand, folder: Path, *texts: str) -> None:
    """Neither what was printed, nor a generated file, nor the derivation and its output hold the password."""
    assert all(SECRET not in text for text in texts)
    assert all(SECRET not in path.read_text() for path in (folder / "nix").iterdir())
    drv = instantiate(stand, folder, "python-deps.nix")
    out = stand.run(["nix-store", "--query", "--outputs", drv]).stdout.strip()
    assert SECRET not in stand.run(["cat", drv]).stdout
    assert stand.run(["grep", "-r", SECRET, out], check=False).stdout == ""


NAMED = '[[tool.uv.index]]\nname = "of-mine"\nurl = "{url}"\ndefault = true\n'


@pytest.mark.parametrize("how", ["variables", "url", "nameless"])
def test_a_login_without_a_daemon(stand: Stand, tmp_path: Path, private: Index, how: str) -> None:
    login = {"UV_INDEX_OF_MINE_USERNAME": USER, "UV_INDEX_OF_MINE_PASSWORD": SECRET}
    url = private.url if how == "variables" else private.url.replace("://", f"://{USER}:{SECRET}@")
    env = login if how == "variables" else {}
    project = tmp_path / "project"
    index = NAMED.format(url=url)
    write_project(project, index.replace('name = "of-mine"\n', "") if how == "nameless" else index)
    lock(project, **env)
    done = go(stand, project, "generate", env)
    assert done.returncode == 0, done.stderr
    assert ("contains credentials" in done.stderr) == (how != "variables")
    text = (project / "nix" / "python-deps.nix").read_text()
    assert [f'"{name}"' in text for name in (*login, "NETRC")] == [how != "nameless"] * 2 + [True]
    if how == "variables":
        # A wrong login is refused by the server: what is fetched is fetched with ours.
        wrong = go(stand, project, "update-hash", {**env, "UV_INDEX_OF_MINE_PASSWORD": "wr0ng"})
        assert wrong.returncode in (4, 5), wrong.stderr
        assert "UV_INDEX_<NAME>_USERNAME" in wrong.stderr
    built = go(stand, project, "update-hash", env)
    assert built.returncode == 0, built.stderr
    secret_free(stand, project, done.stdout, done.stderr, built.stdout, built.stderr)
    asked = {path.rpartition("/")[2] for path in private.asked if "/files/" in path}
    assert {"ready-1.0-py3-none-any.whl", "made-1.0.tar.gz", "secret_backend-1.0-py3-none-any.whl"} <= asked


@contextmanager
def daemon(stand: Stand, **env: str) -> Iterator[Path]:
    """A nix-daemon with these variables; gives a folder with Nix programs that ask it."""
    folder = Path(tempfile.mkdtemp(prefix="nixd", dir="/tmp"))
    socket = folder / "s"
    place = f"NIX_DAEMON_SOCKET_PATH={socket}"
    given = [f"{name}={value}" for name, value in env.items()]
    argv = [str(STAND / "enter"), stand.suite, "env", place, *given, "nix-daemon"]
    for program in (STAND / "bin").iterdir():
        wrapper = folder / program.name
        enter = f"exec {STAND}/enter {stand.suite} env NIX_REMOTE=daemon {place} {program.name}"
        wrapper.write_text(f'#!/bin/sh\n{enter} "$@"\n')
        wrapper.chmod(0o755)
    with subprocess.Popen(
        argv, env=stand.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 30
            while not socket.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield folder
        finally:
            process.terminate()
            process.wait(timeout=30)
            shutil.rmtree(folder)


def test_a_login_with_a_daemon(stand: Stand, tmp_path: Path, private: Index) -> None:
    """The daemon's variables count, not ours: as docs/private-indexes.md says."""
    login = {"UV_INDEX_OF_MINE_USERNAME": USER, "UV_INDEX_OF_MINE_PASSWORD": SECRET}
    project = tmp_path / "project"
    write_project(project, NAMED.format(url=private.url))
    lock(project, **login)
    assert go(stand, project, "generate", login).returncode == 0
    said = []
    for given, code in (({}, 5), (login, 0)):
        with daemon(stand, **given) as programs:
            path = f"{programs}:{STAND / 'bin'}:{os.environ['PATH']}"
            done = go(stand, project, "update-hash", {"PATH": path})
            said += [done.stdout, done.stderr]
            assert done.returncode == code, done.stderr
    secret_free(stand, project, *said)


@pytest.mark.parametrize("kind", ["flat", "find-links", "simple"])
def test_an_index_in_a_folder(stand: Stand, tmp_path: Path, kind: str) -> None:
    index = {
        "flat": '[[tool.uv.index]]\nname = "v"\nurl = "./vendor"\nformat = "flat"\n',
        "simple": '[[tool.uv.index]]\nname = "v"\nurl = "./vendor/simple"\ndefault = true\n',
        "find-links": 'find-links = ["vendor"]\nno-index = true\n',
    }[kind]
    project = tmp_path / f"folder-{kind}"
    write_project(project, index)
    fill(project / "vendor")
    if kind == "simple":
        write_pages(project / "vendor")
    lock(project)
    done = go(stand, project, "generate", {})
    assert done.returncode == 0, done.stderr
    done = go(stand, project, "update-hash", {})
    assert done.returncode == 0, done.stderr
    # A file whose hash the lock does not have: different content gives a different deps.
    make_wheel(project / "vendor", "ready", {"ready.py": "y = 2\n"})
    assert go(stand, project, "check", {}).returncode == 1


def test_a_folder_outside_of_the_project_is_refused(stand: Stand, tmp_path: Path) -> None:
    project = tmp_path / "project"
    write_project(project, '[[tool.uv.index]]\nname = "v"\nurl = "../vendor"\nformat = "flat"\n')
    fill(tmp_path / "vendor")
    lock(project)
    done = go(stand, project, "generate", {})
    assert done.returncode == 3, done.stderr
    assert f"outside {project}, the only folder that Nix sees" in done.stderr
    assert REPO.is_dir()
