"""A lock that does not belong to its pyproject.toml is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locks import HEAD, LOCKS, edges, entry, write_project
from uvlock2nix.lock import check_lock_matches, load_project

PYPROJECT = """
[project]
name = "root"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["A>=1,<2", "b[x]; python_version < '3.12'", "local"]
[project.optional-dependencies]
web = ["c", "d ; sys_platform == 'linux'"]
[dependency-groups]
dev = ["e", {include-group = "test"}]
test = ["f"]
[tool.uv.sources]
local = { path = "../local" }
[build-system]
requires = []
build-backend = "in_tree"
"""
METADATA = """
[package.metadata]
requires-dist = [
    { name = "a", specifier = "<2,>=1" },
    { name = "b", extras = ["x"], marker = "python_full_version < '3.12'" },
    { name = "c", marker = "extra == 'web'" },
    { name = "d", marker = "sys_platform == 'linux' and extra == 'web'" },
    { name = "local", directory = "../local" },
]
provides-extras = ["web"]
[package.metadata.requires-dev]
dev = [{ name = "e" }, { name = "f" }]
test = [{ name = "f" }]
"""
LOCK = (
    HEAD
    + entry("root", source='{ editable = "." }', more=edges("optional-dependencies", web=("c",)) + METADATA)
    + entry("c")
)


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in LOCKS.glob("*/uv.lock")))
def test_real_locks_match(folder: str) -> None:
    assert check_lock_matches(load_project(LOCKS / folder)) == []


def test_everything_said_otherwise_still_matches(tmp_path: Path) -> None:
    assert check_lock_matches(write_project(tmp_path, LOCK, PYPROJECT)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"A>=1,<2"', '"A>=1,<3"', "package root: dependencies: differ between pyproject.toml and lock: a"),
        ('"A>=1,<2", ', "", "dependencies: differ"),
        ("b[x]", "b[y]", "dependencies: differ between pyproject.toml and lock: b"),
        ("< '3.12'", "< '3.13'", "dependencies: differ between pyproject.toml and lock: b"),
        ('web = ["c",', 'web = ["c", "z",', "dependencies: differ between pyproject.toml and lock: z"),
        ("web = ", "net = ", "optional-dependencies: not in both pyproject.toml and lock: net, web"),
        (
            'test = ["f"]',
            'test = ["g"]',
            "dependency group dev: differ between pyproject.toml and lock: f, g",
        ),
        ('dev = ["e", {include-group = "test"}]\n', "", "the lock has the dependency group dev"),
        ("[dependency-groups]", '[dependency-groups]\nnew = ["n"]', "dependency group new: differ"),
        (">=3.11", ">=3.12", "requires-python: pyproject.toml has >=3.12, the lock has >=3.11"),
        ('version = "1.0"', 'version = "1.1"', "package root: version is 1.1, the lock has 1.0"),
        (', "local"', "", "differ between pyproject.toml and lock: local"),
        (
            "[tool.uv.sources]",
            '[tool.uv.workspace]\nmembers = ["m"]\n[tool.uv.sources]',
            "workspace: member m is not",
        ),
    ],
)
def test_what_differs_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in PYPROJECT
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "pyproject.toml").write_text('[project]\nname = "m"\nversion = "1"\n')
    found = check_lock_matches(write_project(tmp_path, LOCK, PYPROJECT.replace(old, new)))
    assert any(says in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">=3.11", ">= 3.11.0"),
        ('"A>=1,<2"', '"a < 2, >= 1"'),
        ("[project]", "# a comment\n[project]"),
        ('version = "1.0"', 'version = "1"'),
        ('version = "1.0"', 'dynamic = ["version"]'),
        ('test = ["f"]', 'test = ["f"]\nempty = []'),
        ("d ; sys_platform == 'linux'", "d ; 'linux' == sys_platform"),
    ],
)
def test_what_changes_nothing_is_not_told(tmp_path: Path, old: str, new: str) -> None:
    assert old in PYPROJECT
    assert check_lock_matches(write_project(tmp_path, LOCK, PYPROJECT.replace(old, new))) == []


def test_settings_that_match(tmp_path: Path) -> None:
    settings = """[tool.uv]
environments = ["'linux' == sys_platform"]
required-environments = ["sys_platform == 'darwin'"]
override-dependencies = ["A == 1.0"]
build-constraint-dependencies = ["setuptools < 80"]
[tool.uv.sources]"""
    head = """supported-markers = ["sys_platform == 'linux'"]
required-markers = ["sys_platform == 'darwin'"]
[manifest]
overrides = [{ name = "a", specifier = "==1.0" }]
build-constraints = [{ name = "setuptools", specifier = "<80" }]
"""
    text = LOCK.replace(HEAD, HEAD + head)
    pyproject = PYPROJECT.replace("[tool.uv.sources]", settings)
    assert check_lock_matches(write_project(tmp_path, text, pyproject)) == []
    without = PYPROJECT.replace("[tool.uv.sources]", settings.replace("darwin", "win32"))
    (found,) = check_lock_matches(write_project(tmp_path, text, without))
    assert "required-environments: differ" in found


def test_an_index_in_a_folder_is_the_same_as_a_url(tmp_path: Path) -> None:
    """A lock names the folder by its URL, pyproject.toml by a relative path."""
    where = '[tool.uv.sources]\na = { index = "own" }\n[[tool.uv.index]]\nname = "own"\nurl = "./an index"\n'
    pyproject = f'[project]\nname = "root"\nversion = "1.0"\ndependencies = ["a"]\n{where}format = "flat"\n'
    url = (tmp_path / "an index").as_uri()
    metadata = f'[package.metadata]\nrequires-dist = [{{ name = "a", index = "{url}" }}]\n'
    text = HEAD + entry("root", source='{ virtual = "." }', more=metadata)
    assert check_lock_matches(write_project(tmp_path, text, pyproject)) == []
    (found,) = check_lock_matches(write_project(tmp_path, text, pyproject.replace("./an", "./other")))
    assert "dependencies: differ" in found


def test_members_that_are_gone(tmp_path: Path) -> None:
    text = HEAD + '[manifest]\nmembers = ["m", "root"]\n' + entry("root", source='{ virtual = "." }')
    text += entry("m", source='{ editable = "m" }')
    pyproject = '[project]\nname = "root"\nversion = "1.0"\n[tool.uv.workspace]\nmembers = ["other/*"]\n'
    project = write_project(tmp_path, text, pyproject, m='[project]\nname = "m"\nversion = "1.0"\n')
    assert check_lock_matches(project) == ["workspace: the lock has member m, tool.uv.workspace does not"]


def test_groups_of_a_root_without_project(tmp_path: Path) -> None:
    text = (
        HEAD + '[manifest]\nmembers = []\n[manifest.dependency-groups]\ndev = [{ name = "a" }]\n' + entry("a")
    )
    good = '[dependency-groups]\ndev = ["a"]\n[tool.uv.workspace]\n'
    assert check_lock_matches(write_project(tmp_path, text, good)) == []
    (found,) = check_lock_matches(write_project(tmp_path, text, good.replace('"a"', '"b"')))
    assert "workspace: dependency group dev: differ" in found


def test_scripts(tmp_path: Path) -> None:
    (tmp_path / "job.py.lock").write_text(HEAD + '[manifest]\nrequirements = [{ name = "a" }]\n' + entry("a"))
    (tmp_path / "job.py").write_text(
        '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["a"]\n# ///\n'
    )
    assert check_lock_matches(load_project(tmp_path / "job.py")) == []
    (tmp_path / "job.py").write_text(
        '# /// script\n# requires-python = ">=3.12"\n# dependencies = ["b"]\n# ///\n'
    )
    assert len(check_lock_matches(load_project(tmp_path / "job.py"))) == 2
