"""What may not come in with a file or a repository, and what deps' manifest says of where it came from."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.git_server import git_environment
from tests.support.packages import Index, make_sdist, make_wheel, served
from tests.support.syncing import PYTHON, REPOSITORY, SITE, SYSTEM, VERSION, Stage, project
from uvlock2nix.layout import MANIFEST

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="sync is tested on Linux"),
]
MARK = "S3CRET"
SCHEMA = json.loads((REPOSITORY / "docs" / "schema" / "verify-tree-1.json").read_text())
BACKEND = """\
import zipfile
def build_wheel(folder, settings=None, metadata=None):
    name, info = "NAME-1.0-py3-none-any.whl", "NAME-1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as zipped:
        zipped.writestr("NAME.py", open("NAME.py").read())
        zipped.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n")
        zipped.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        zipped.writestr(f"{info}/RECORD", "")
    return name
"""
SYSTEM_TABLE = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with served(tmp_path / "files") as running:
        yield running


def source(name: str, text: str = "x = 1\n") -> dict[str, str]:
    """A package that is built by its own backend, without any build requirement."""
    table = f'[project]\nname = "{name}"\nversion = "1.0"\n'
    return {
        "pyproject.toml": SYSTEM_TABLE + table,
        "backend.py": BACKEND.replace("NAME", name),
        f"{name}.py": text,
    }


def test_nix_support_of_a_wheel_is_left_out(stage: Stage, index: Index) -> None:
    """Its setup hooks and propagated inputs would act on every build that has env as an input."""
    make_wheel(
        index.folder,
        "hooked",
        {
            "hooked.py": "",
            "hooked-1.0.data/data/nix-support/setup-hook": "touch /tmp/was-here\n",
            "hooked-1.0.data/data/nix-support/propagated-build-inputs": "/nix/store/x",
            "hooked-1.0.data/data/nix-support/uvlock2nix/build-requires/app/setup.py": "",
            "hooked-1.0.data/data/Nix-Support/setup-hook": "touch /tmp/was-here\n",
            "hooked-1.0.data/data/share/hooked/nix-support/setup-hook": "harmless there\n",
        },
    )
    stage.lock(project(index, "hooked"))
    out, done = stage.sync("one")
    assert done.returncode == 0, done.stderr
    assert "hooked: nix-support/setup-hook is left out" in done.stderr
    support = [path.relative_to(out).as_posix() for path in (out / "nix-support").rglob("*")]
    assert sorted(support) == ["nix-support/uvlock2nix", MANIFEST]
    assert not (out / "Nix-Support").exists()
    assert (out / "share/hooked/nix-support/setup-hook").is_file()
    assert "left out" not in stage.sync("two")[1].stdout


def test_paths_that_only_case_tells_apart(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "upper", {"shared/Name.py": "1\n", "shared/f.py": ""})
    make_wheel(index.folder, "lower", {"shared/name.py": "2\n"})
    stage.lock(project(index, "upper", "lower"))
    _, done = stage.sync("linux")
    assert "only in case" not in done.stderr
    _, done = stage.sync("mac", "--system", "aarch64-darwin")
    assert done.returncode == 0, done.stderr
    assert "differ only in case: shared/Name.py, shared/name.py" in done.stderr


def manifest(out: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((out / MANIFEST).read_text())["packages"]
    return {one["name"]: one["artifact"] for one in found}


def test_the_manifest_says_where_files_came_from_and_what_proved_them(stage: Stage, index: Index) -> None:
    for name in ("listed", "unhashed", "direct"):
        make_wheel(index.folder, name, {f"{name}.py": ""})
    make_sdist(index.folder, "built", source("built"))
    make_wheel(stage.project / "vendored", "local", {"local.py": ""})
    repository, commit = git_repository(stage.root / "repo", source("fromgit"))
    url = f"{index.root}/files/direct-1.0-py3-none-any.whl"
    more = f"""\
[tool.uv.sources]
direct = {{ url = "{url}" }}
local = {{ path = "vendored/local-1.0-py3-none-any.whl" }}
fromgit = {{ git = "{repository.as_uri()}" }}
"""
    names = ("listed", "unhashed", "direct", "built", "local", "fromgit")
    stage.lock(project(index, *names, more=more))
    lock = stage.project / "uv.lock"
    text = lock.read_text().replace(url, url.replace("http://", f"http://me:{MARK}@") + f"?sig={MARK}")
    lines = [
        line.partition(", hash = ")[0] + " }," if "unhashed-1.0" in line else line
        for line in text.splitlines()
    ]
    lock.write_text("\n".join(lines))
    out = stage.good("one")
    found = manifest(out)
    assert {name: one["proof"] for name, one in found.items()} == {
        "listed": "lock", "unhashed": "deps", "direct": "lock", "built": "lock", "local": "lock",
        "fromgit": "commit",
    }  # fmt: skip
    assert found["fromgit"]["origin"] == {"kind": "git", "url": repository.as_uri(), "commit": commit}
    assert found["direct"]["origin"] == {"kind": "url", "url": url}
    assert found["local"]["origin"] == {"kind": "path", "path": "vendored/local-1.0-py3-none-any.whl"}
    unhashed = f"{index.root}/files/unhashed-1.0-py3-none-any.whl"
    assert found["unhashed"]["origin"] == {"kind": "url", "url": unhashed}
    assert found["listed"]["origin"] == found["built"]["origin"] == {"kind": "index"}
    held = hashlib.sha256((index.folder / "listed-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert found["listed"]["hash"] == f"sha256:{held}"
    assert MARK not in (out / MANIFEST).read_text()
    shown = compare(stage, out)
    assert shown["problems"] == []
    rows = {one["name"]: one for one in shown["packages"]}
    assert rows["listed"]["source"] == f"{index.root}/files/listed-1.0-py3-none-any.whl"
    assert rows["direct"]["source"] == url
    assert (rows["built"]["proof"], rows["built"]["files"]) == ("lock", 4)


def compare(stage: Stage, tree: Path, code: int = 0, *more: str) -> dict[str, Any]:
    """What ``verify --tree --json`` says."""
    argv = [sys.executable, "-m", "uvlock2nix", "verify", str(stage.project), "--tree", str(tree), "--json"]
    done = subprocess.run([*argv, *more], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(value)
    return value


def test_a_tree_is_compared_with_the_lock(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "one", {"one/__init__.py": "x = 1\n", "one/more.py": ""})
    make_wheel(index.folder, "two", {"two.py": ""})
    stage.lock(project(index, "one", "two"))
    out = stage.good("tree")
    assert compare(stage, out)["problems"] == []
    (out / SITE / "one/__init__.py").write_text("x = 2\n")
    (out / SITE / "two.py").unlink()
    (out / SITE / "planted.py").write_text("")
    assert compare(stage, out, 1)["problems"] == [
        "one: one/__init__.py has been changed",
        "two: two.py is missing",
        f"{SITE}/planted.py belongs to no package",
    ]
    # The same files with a different lock: one package has a different version, one is missing.
    make_wheel(index.folder, "one", {"one/__init__.py": "x = 1\n"}, version="2.0")
    make_wheel(index.folder, "three", {"three.py": ""})
    (stage.project / "uv.lock").unlink()
    stage.lock(project(index, "one", "three"))
    problems = compare(stage, out, 1)["problems"]
    assert "three is missing" in problems
    assert "two is installed, but not in the lock's environment" in problems
    assert "one is 1.0, the lock says 2.0" in problems
    assert "one was made from one-1.0-py3-none-any.whl, the lock says one-2.0-py3-none-any.whl" in problems


def test_a_lock_with_another_hash_is_noticed(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "one", {"one.py": ""})
    stage.lock(project(index, "one"))
    out = stage.good("tree")
    lock = stage.project / "uv.lock"
    lock.write_text(lock.read_text().replace('hash = "sha256:', 'hash = "sha256:' + "0" * 8, 1)[:-1])
    text = lock.read_text()
    start = text.index("sha256:00000000") + len("sha256:")
    lock.write_text(text[: start + 64] + text[start + 72 :])
    (problem,) = compare(stage, out, 1)["problems"]
    assert "made from a file with the hash" in problem


@pytest.mark.parametrize("content", ["", "[]", "{", '{"packages": 7, "python": "3.13"}'])
def test_a_tree_that_is_none_of_ours(stage: Stage, index: Index, content: str) -> None:
    make_wheel(index.folder, "one", {"one.py": ""})
    stage.lock(project(index, "one"))
    tree = stage.root / "tree"
    (tree / MANIFEST).parent.mkdir(parents=True)
    if content:
        (tree / MANIFEST).write_text(content)
    argv = [sys.executable, "-m", "uvlock2nix", "verify", str(stage.project), "--tree", str(tree)]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 3)
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def git(folder: Path, *arguments: str) -> str:
    env = {**git_environment(), "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.invalid"}
    env |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.invalid"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def git_repository(folder: Path, files: dict[str, str]) -> tuple[Path, str]:
    """A repository with one commit, which a tag names too; its place and the commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder, commit_files(folder, files)


def commit_files(folder: Path, files: dict[str, str], *more: str) -> str:
    for path, text in files.items():
        (folder / path).write_text(text)
    git(folder, "add", *files)
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "files", *more)
    git(folder, "tag", "--force", "v1")
    return git(folder, "rev-parse", "HEAD")


def git_lock(stage: Stage, url: str, commit: str) -> None:
    """A lock as uv writes it, of a package that comes from git."""
    stage.project.mkdir(parents=True)
    (stage.project / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["fromgit"]\n'
        f'[tool.uv]\npackage = false\n[tool.uv.sources]\nfromgit = {{ git = "{url}", tag = "v1" }}\n'
    )
    (stage.project / "uv.lock").write_text(
        'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "app"\n'
        'version = "1.0"\n'
        'source = { virtual = "." }\ndependencies = [{ name = "fromgit" }]\n\n[package.metadata]\n'
        f'requires-dist = [{{ name = "fromgit", git = "{url}?tag=v1" }}]\n\n[[package]]\nname = "fromgit"\n'
        f'version = "1.0"\nsource = {{ git = "{url}?tag=v1#{commit}" }}\n'
    )


def test_a_tag_that_was_moved_changes_nothing(stage: Stage) -> None:
    repository, commit = git_repository(stage.root / "repo", source("fromgit", "x = 'locked'\n"))
    git_lock(stage, repository.as_uri(), commit)
    commit_files(repository, {"fromgit.py": "x = 'moved'\n"})
    assert (stage.good("one") / SITE / "fromgit.py").read_text() == "x = 'locked'\n"
    # Also where no branch and no tag leads to the commit any more.
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    commit_files(repository, {"fromgit.py": "x = 'rewritten'\n"}, "--amend")
    git(repository, "checkout", "--quiet", "--orphan", "other")
    commit_files(repository, {"fromgit.py": "x = 'other'\n"})
    git(repository, "branch", "--force", "main", "other")
    assert (stage.good("two") / SITE / "fromgit.py").read_text() == "x = 'locked'\n"


def test_a_commit_that_is_not_there(stage: Stage) -> None:
    repository, _ = git_repository(stage.root / "repo", source("fromgit"))
    git_lock(stage, repository.as_uri(), "a" * 40)
    out, done = stage.sync("one")
    assert done.returncode in (3, 4)
    assert "error: fetching fromgit from git" in done.stderr
    assert "a" * 40 in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


HOSTILE = {
    "a program": "ext::sh -c 'touch {place}/was-here'",
    "an option": "--upload-pack=touch {place}/was-here",
    "a folder of the machine": "file://{place}/private",
    "the same folder": "{place}/private",
    "another transport": "fd::17",
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_submodule(stage: Stage, kind: str) -> None:
    """Nothing runs, and nothing of the machine comes in; git's word for it is shown."""
    private, inner = git_repository(stage.root / "private", {"secret.py": "x = 1\n"})
    repository, _ = git_repository(stage.root / "repo", source("fromgit"))
    url = HOSTILE[kind].format(place=stage.root)
    (repository / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = "{url}"\n')
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{inner},sub")
    git(repository, "add", ".gitmodules")
    commit = commit_files(repository, {})
    git_lock(stage, repository.as_uri(), commit)
    out, done = stage.sync("one", env={"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
    assert done.returncode in (3, 4), done.stderr
    assert "error: fetching fromgit from git" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(stage.root.rglob("was-here"))
    assert not list(out.rglob("fromgit*"))
    assert private.is_dir()


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch {place}/was-here'", "--upload-pack=touch {place}/was-here"]
)
def test_a_hostile_repository(stage: Stage, url: str) -> None:
    git_lock(stage, url.format(place=stage.root), "a" * 40)
    out, done = stage.sync("one")
    assert done.returncode in (3, 4, 5), done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (stage.root / "was-here").exists()
    assert not out.exists()


@pytest.mark.parametrize("commit", ["HEAD", "main", "-h", "a" * 39, "../../x"])
def test_a_commit_that_is_none(stage: Stage, commit: str) -> None:
    repository, _ = git_repository(stage.root / "repo", source("fromgit"))
    git_lock(stage, repository.as_uri(), commit)
    _, done = stage.sync("one")
    assert done.returncode in (3, 4), done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_reads_a_file_before_its_hash_is_right(stage: Stage, index: Index) -> None:
    """What is sent in the place of a locked file is no archive at all: the hash is what is reported."""
    make_sdist(index.folder, "built", source("built"))
    stage.lock(project(index, "built"))
    file = index.folder / "built-1.0.tar.gz"
    file.write_bytes(b"x" * file.stat().st_size)
    _, done = stage.sync("one")
    assert done.returncode == 3, done.stderr
    assert "built-1.0.tar.gz: the hash is" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wheel_with_another_hash_is_not_installed(stage: Stage, index: Index) -> None:
    """uv unpacks a wheel while it comes, into its cache; it installs what had the right hash."""
    make_wheel(index.folder, "listed", {"listed.py": "x = 1\n"})
    stage.lock(project(index, "listed"))
    lock = (stage.project / "uv.lock").read_text()
    make_wheel(index.folder, "listed", {"listed.py": "x = 2\n"})
    assert (stage.project / "uv.lock").read_text() == lock
    out, done = stage.sync("one")
    assert done.returncode == 4, done.stderr
    assert "Hash mismatch for `listed" in done.stderr
    assert not list(out.rglob("listed.py"))


def test_python_and_system_are_what_is_there(stage: Stage, index: Index) -> None:
    make_wheel(index.folder, "one", {"one.py": ""})
    stage.lock(project(index, "one"))
    out = stage.good("tree")
    assert compare(stage, out)["system"] == SYSTEM
    assert compare(stage, out)["python"] == VERSION.rpartition(".")[0]
    (problem,) = compare(stage, out, 1, "--system", "aarch64-darwin")["problems"]
    assert problem.startswith(f"it is for {SYSTEM}, Python ")
    assert PYTHON.is_file()
