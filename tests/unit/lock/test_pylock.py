"""pylock.toml as an input."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locks import DIGEST, LINUX, MAC, table
from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.errors import LockError, SelectionError
from uvlock2nix.lock import (
    DirectorySource,
    EditableSource,
    GitSource,
    PathSource,
    RegistrySource,
    Selection,
    UrlSource,
    load_project,
    parse_pylock,
    resolve,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEX = DIGEST.removeprefix("sha256:")
TEXT = f"""
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11"
environments = ["sys_platform == 'linux' or sys_platform == 'darwin'"]
extras = ["web"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev"]

[[packages]]
name = "Plain"
version = "1.00"
index = "https://index.example/simple"
sdist = {{ url = "https://files.example/plain-1.0.tar.gz", size = 3, hashes = {{ sha256 = "{HEX}" }} }}
[[packages.wheels]]
url = "https://files.example/x"
name = "plain-1.0-py3-none-any.whl"
hashes = {{ md5 = "{HEX[:32]}", sha256 = "{HEX}" }}
[[packages]]
name = "mac"
version = "1.0"
marker = "sys_platform == 'darwin'"
[packages.archive]
url = "https://files.example/mac-1.0.zip"
subdirectory = "python"
hashes = {{ sha256 = "{HEX}" }}
[[packages]]
name = "web"
marker = "'web' in extras"
[packages.vcs]
type = "git"
url = "https://git.example/web"
requested-revision = "v1"
commit-id = "{COMMIT}"
subdirectory = "s"
[[packages]]
name = "dev"
marker = "'dev' in dependency_groups"
archive = {{ path = "vendor/dev-1.0-py3-none-any.whl", hashes = {{ sha256 = "{HEX}" }} }}
version = "1.0"
[[packages]]
name = "docs"
marker = "'docs' in dependency_groups"
directory = {{ path = "docs", editable = true }}
[[packages]]
name = "tree"
directory = {{ path = "tree" }}
"""


def test_every_kind() -> None:
    lock = parse_pylock(table(TEXT), "pylock.toml")
    plain, mac, web, dev, docs, tree = lock.packages
    assert (plain.name, plain.version) == ("plain", "1.0")
    assert plain.source == RegistrySource("https://index.example/simple")
    assert plain.wheels[0].filename == "plain-1.0-py3-none-any.whl"
    assert plain.wheels[0].hash == DIGEST
    assert plain.sdist is not None
    assert plain.sdist.size == 3
    assert mac.source == UrlSource("https://files.example/mac-1.0.zip", "python")
    assert web.source == GitSource("https://git.example/web", COMMIT, rev="v1", subdirectory="s")
    assert dev.source == PathSource("vendor/dev-1.0-py3-none-any.whl")
    assert docs.source == EditableSource("docs")
    assert tree.source == DirectorySource("tree")
    assert lock.warnings == ()


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["plain", "tree"]),
        (Selection(default_groups=True), ["dev", "plain", "tree"]),
        (Selection(extras=("web",)), ["plain", "tree", "web"]),
        (Selection(all_groups=True, all_extras=True), ["dev", "docs", "plain", "tree", "web"]),
        (Selection(groups=("docs",)), ["docs", "plain", "tree"]),
    ],
)
def test_selection_on_linux(tmp_path: Path, selection: Selection, expected: list[str]) -> None:
    (tmp_path / "pylock.toml").write_text(TEXT)
    environment = resolve(load_project(tmp_path / "pylock.toml"), selection, LINUX)
    assert [item.package.name for item in environment.packages] == expected


def test_choice_and_other_platform(tmp_path: Path) -> None:
    (tmp_path / "pylock.app.toml").write_text(TEXT)
    (tmp_path / "pyproject.toml").write_text("[tool.uvlock2nix]\npython = '3.12'\n")
    project = load_project(tmp_path / "pylock.app.toml")
    assert project.tool == {"python": "3.12"}
    assert [str(path) for path in project.files] == ["pylock.app.toml", "pyproject.toml"]
    environment = resolve(project, Selection(default_groups=True), MAC)
    kinds = {}
    for item in environment.packages:
        artifact = choose(item.package, MAC, BuildPolicy()).artifact
        kinds[item.package.name] = artifact and (artifact.kind, artifact.filename)
    assert kinds == {
        "dev": ("wheel", "dev-1.0-py3-none-any.whl"),
        "mac": ("sdist", "mac-1.0.zip"),
        "plain": ("wheel", "plain-1.0-py3-none-any.whl"),
        "tree": ("directory", "tree"),
    }
    with pytest.raises(SelectionError, match="no extra gone"):
        resolve(project, Selection(extras=("gone",)), MAC)


def test_two_entries_that_fit(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(TEXT + '[[packages]]\nname = "tree"\ndirectory = { path = "t" }\n')
    with pytest.raises(LockError, match="package tree: two entries fit"):
        resolve(load_project(tmp_path / "pylock.toml"), Selection(), LINUX)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('lock-version = "1.0"', 'lock-version = "2.0"', "lock-version '2.0'"),
        ('lock-version = "1.0"', "lock-version = 1", "lock-version 1;"),
        ("'web' in extras", "'web' in", "package web: marker: ends too early"),
        (f'{HEX[:32]}", sha256 = "{HEX}"', 'x", sha256 = "12"', "package plain 1.00: wheels: hash"),
        (
            "https://git.example/web",
            "ext::sh -c x",
            "package web: vcs: url: is not a URL that can be fetched",
        ),
        (
            'url = "https://git.example/web"',
            'path = "--upload-pack=x"',
            "package web: vcs: url: is not a URL that can be fetched",
        ),
        (COMMIT, "main", "package web: vcs: commit-id: is not a commit"),
        ('subdirectory = "s"', 'subdirectory = "../s"', "package web: vcs: subdirectory: points outside"),
        ('type = "git"', 'type = "hg"', "package web: vcs: type: is 'hg'"),
        (f'commit-id = "{COMMIT}"', "", "commit-id: is missing"),
        ('version = "1.00"', 'version = "x"', "version: is not a version"),
        ('directory = { path = "tree" }', "", "package tree: has neither"),
        ('directory = { path = "tree" }', 'directory = { path = "tree" }\nvcs = {}', "more than one of"),
        (
            'requires-python = ">=3.11"',
            'requires-python = "="',
            "requires-python: is not a version specifier",
        ),
        ('name = "Plain"', 'name = "../x"', "package #1: name: is not a valid name"),
    ],
)
def test_wrong_files_name_package_and_key(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(LockError) as caught:
        parse_pylock(table(TEXT.replace(old, new)), "pylock.toml")
    assert says in caught.value.message


def test_newer_minor_and_unknown_keys_are_read_on_with_one_warning() -> None:
    text = TEXT.replace('"1.0"\ncreated', '"1.7"\nnovelty = 1\ncreated')
    (warning,) = parse_pylock(table(text), "pylock.toml").warnings
    assert "1.7" in warning
    assert "novelty" in warning
