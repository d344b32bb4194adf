"""How mode `files` fetches: logins, redirections, signed URLs, files without a hash, git."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.conftest import uvlock2nix
from tests.support.git_server import git_environment
from tests.support.packages import Index, make_sdist, make_wheel, served
from tests.support.stand import REPO, Stand, StandCommandError, require_stand

pytestmark = [pytest.mark.stand]

UV = REPO / ".venv" / "bin" / "uv"
USER, SECRET = "some-body", 's3cr3t "pa55\\word'
LOGIN = {"UV_INDEX_OF_MINE_USERNAME": USER, "UV_INDEX_OF_MINE_PASSWORD": SECRET}
PKGS = f"(import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }})"
BACKEND = """\
import pathlib, zipfile

def build_wheel(folder, settings=None, metadata=None):
    name = "made-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("made.py", pathlib.Path("CONTENT").read_text())
        wheel.writestr("made-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: made\\nVersion: 1.0\\n")
        text = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("made-1.0.dist-info/WHEEL", text)
        wheel.writestr("made-1.0.dist-info/RECORD", "made.py,,\\nmade-1.0.dist-info/METADATA,,\\n")
    return name
"""  # fmt: skip
SYSTEM = '[build-system]\nrequires = ["mine"]\nbuild-backend = "mine"\n'
HEAD = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = [{}]
[tool.uv]
package = false
"""
OURS = '[tool.uvlock2nix]\npython = "3.13"\nmode = "files"\n'


def write(folder: Path, dependencies: str, more: str, **env: str) -> None:
    """A locked project."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(HEAD.format(dependencies) + more + OURS)
    argv = [str(UV), "lock", "--quiet", "--no-cache", "--no-python-downloads"]
    done = subprocess.run(argv, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def generate(stand: Stand, folder: Path, **env: str) -> str:
    prefix = ("env", *(f"{name}={value}" for name, value in env.items()))
    done = uvlock2nix(stand, "generate", folder, prefix=prefix)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def pins(folder: Path) -> str:
    return (folder / "nix" / "python-deps.json").read_text()


def build(stand: Stand, folder: Path, *options: str, **env: str) -> tuple[str, str]:
    """env's modules, and the text of all derivations that it is made of."""
    code = f"{PKGS}.callPackage {folder}/nix/python-env.nix {{ }}"
    drv = stand.run(["nix-instantiate", "-E", code]).stdout.strip().splitlines()[-1]
    argv = ["nix-store", "--realise", *options, drv]
    (out,) = stand.run(argv, env=env, timeout=1200).stdout.split()
    closure = stand.run(["nix-store", "--query", "--requisites", drv]).stdout.split()
    drvs = [path for path in closure if path.endswith(".drv")]
    return f"{out}/lib/python3.13/site-packages", stand.run(["cat", *drvs]).stdout


def module(stand: Stand, site: str, name: str) -> str:
    """What a module of env has: links lead to where only the stand sees them."""
    return stand.run(["cat", f"{site}/{name}.py"]).stdout


@pytest.fixture(scope="module")
def stand() -> Stand:
    return require_stand("forky")


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[Index, Index]]:
    """An index that asks for a login, and a server that it sends everybody on to for its files."""
    with (
        served(tmp_path / "files", login=(USER, SECRET)) as index,
        served(tmp_path / "files", host="127.0.0.2") as elsewhere,
    ):
        # What was fetched once, in whatever run, is in the store.
        once = f"# {uuid.uuid4()}\n"
        make_wheel(index.folder, "ready", {"ready.py": "x = 1\n", "ready-once.py": once})
        make_wheel(index.folder, "mine", {"mine.py": BACKEND + once})
        make_sdist(index.folder, "made", {"pyproject.toml": SYSTEM + once, "CONTENT": "x = 1\n"})
        index.moved = elsewhere.root
        yield index, elsewhere


NAMED = '[[tool.uv.index]]\nname = "of-mine"\nurl = "{url}"\ndefault = true\n'
METADATA = '[[tool.uv.dependency-metadata]]\nname = "made"\nversion = "1.0"\n'


def test_logins_and_redirections(stand: Stand, tmp_path: Path, private: tuple[Index, Index]) -> None:
    """Wheels, sdists and build requirements; the login is the builder's, and stays with its host."""
    index, elsewhere = private
    project = tmp_path / "project"
    write(project, '"ready", "made"', NAMED.format(url=index.url) + METADATA, **LOGIN)
    said = generate(stand, project, **LOGIN)
    host = index.root.removeprefix("http://")
    assert json.loads(pins(project))["logins"] == {host: "UV_INDEX_OF_MINE"}
    with pytest.raises(StandCommandError, match="401"):
        build(stand, project)
    index.asked.clear()
    elsewhere.logins.clear()
    site, drvs = build(stand, project, **LOGIN)
    assert module(stand, site, "made") == "x = 1\n"
    assert {path.rpartition("/")[2] for path in index.asked} >= {
        "ready-1.0-py3-none-any.whl",
        "made-1.0.tar.gz",
        "mine-1.0-py3-none-any.whl",
    }
    assert elsewhere.logins
    assert not any(elsewhere.logins)
    for text in (said, pins(project), drvs):
        assert SECRET not in text
        assert "s3cr3t" not in text


def test_a_netrc_file(stand: Stand, tmp_path: Path, private: tuple[Index, Index]) -> None:
    index, _ = private
    index.login = (USER, "s3cr3t")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password s3cr3t\n")
    project = tmp_path / "project"
    url = NAMED.format(url=index.url).replace('name = "of-mine"\n', "")
    write(project, '"ready"', url, NETRC=str(netrc))
    generate(stand, project, NETRC=str(netrc))
    assert json.loads(pins(project))["logins"] == {index.root.removeprefix("http://"): ""}
    shown = ("--option", "extra-sandbox-paths", str(netrc))
    site, drvs = build(stand, project, *shown, NETRC=str(netrc))
    assert module(stand, site, "ready") == "x = 1\n"
    assert "s3cr3t" not in drvs


def test_a_signed_url_and_a_missing_hash(stand: Stand, tmp_path: Path) -> None:
    """Neither the signature nor the login is written down; what the lock has no hash of is pinned once."""
    with served(tmp_path / "files") as index:
        make_wheel(index.folder, "ready", {"ready.py": "x = 1\n"})
        make_wheel(index.folder, "signed", {"signed.py": "x = 2\n"})
        project = tmp_path / "project"
        url = f"{index.root}/files/signed-1.0-py3-none-any.whl?sig=s3cr3t&ref=main"
        source = f'[tool.uv.sources]\nsigned = {{ url = "{url}" }}\n'
        write(project, '"ready", "signed"', NAMED.format(url=index.url) + source)
        lock = project / "uv.lock"
        lock.write_text(re.sub(r', hash = "[^"]*"', "", lock.read_text()))
        said = generate(stand, project)
        assert "the URL of signed has a query, which may be a signature" in said
        assert "ready: the lock has no hash for ready-1.0-py3-none-any.whl; pinned sha256-" in said
        files = json.loads(pins(project))["packages"]["x86_64-linux"]
        assert files["signed"]["url"] == url.replace("sig=s3cr3t&", "")
        assert files["ready"]["hash"].startswith("sha256-")
        site, drvs = build(stand, project)
        assert module(stand, site, "signed") == "x = 2\n"
        assert "s3cr3t" not in pins(project) + drvs + said


@contextmanager
def git_host(folder: Path) -> Iterator[str]:
    """Git's plain HTTP protocol: files of bare repositories (`git update-server-info`)."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def git(folder: Path, *arguments: str) -> str:
    names = {"NAME": "a", "EMAIL": "a@example.invalid"}
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in names.items()}
    allowed = ("-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *allowed, *arguments],
        cwd=folder,
        env={**git_environment(), **who},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def repository(root: Path, name: str, files: dict[str, str], submodule: str = "") -> str:
    """A bare repository below ``root``, tagged v1, with a later commit; the commit of the tag."""
    work = root / f"{name}-work"
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    for path, text in files.items():
        (work / path).write_text(text)
    if submodule:
        git(work, "submodule", "--quiet", "add", str(root / f"{submodule}.git"), submodule)
        git(work, "config", "-f", ".gitmodules", f"submodule.{submodule}.url", f"../{submodule}.git")
    git(work, "add", "-A")
    git(work, "commit", "--quiet", "-m", "first")
    git(work, "tag", "v1")
    (work / "later").write_text("")
    git(work, "add", "later")
    git(work, "commit", "--quiet", "-m", "later")
    git(root, "clone", "--quiet", "--bare", str(work), f"{name}.git")
    git(root / f"{name}.git", "update-server-info")
    return git(work, "rev-parse", "v1")


def test_git_with_a_tag_and_a_submodule(stand: Stand, tmp_path: Path) -> None:
    root = tmp_path / "repositories"
    root.mkdir()
    repository(root, "inner", {"CONTENT": "x = 'from the submodule'\n"})
    backend = BACKEND.replace('"CONTENT"', '"inner/CONTENT"')
    system = '[project]\nname = "made"\nversion = "1.0"\n[build-system]\nrequires = []\n'
    system += 'build-backend = "mine"\nbackend-path = ["."]\n'
    commit = repository(root, "outer", {"mine.py": backend, "pyproject.toml": system}, "inner")
    with git_host(root) as host:
        project = tmp_path / "project"
        write(project, '"made"', f'[tool.uv.sources]\nmade = {{ git = "{host}/outer.git", tag = "v1" }}\n')
        generate(stand, project)
        made = json.loads(pins(project))["packages"]["x86_64-linux"]["made"]
        assert (made["git"], made["rev"], made["kind"]) == (f"{host}/outer.git", commit, "tree")
        site, _ = build(stand, project)
    assert module(stand, site, "made") == "x = 'from the submodule'\n"


def test_lfs_takes_a_nix_that_has_it() -> None:
    """An older Nix would take the pointers for the files."""
    old = require_stand("trixie")
    code = f"""
      with import <nixpkgs> {{ }};
      import {REPO}/nix/lib/fetchArtifact.nix {{ inherit lib fetchurl; }} {{ root = /.; }}
        {{ git = "http://127.0.0.1:9/x.git"; rev = "{"a" * 40}"; lfs = true; }}
    """
    with pytest.raises(StandCommandError, match=r"Git LFS require Nix 2\.27 or newer; this is 2\.26"):
        old.evaluate(code)
