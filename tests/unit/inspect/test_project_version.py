"""Where a version is written, and which tools ask git for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.emit import plan_of, texts
from tests.support.locks import HEAD, entry
from uvlock2nix.app.git_version import version_of_tag
from uvlock2nix.build.values import Build, NativeBuild, Source
from uvlock2nix.build.version import with_version
from uvlock2nix.config import parse_config
from uvlock2nix.errors import UsageError
from uvlock2nix.inspect.project_version import release_tag, static_version, version_tool

DYNAMIC = '[project]\nname = "app"\ndynamic = ["version"]\n'
SETUPTOOLS = DYNAMIC + "[tool.setuptools.dynamic]\n"


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"pyproject.toml": '[project]\nname = "app"\nversion = "1.2"\n'}, "1.2"),
        ({"pyproject.toml": '[tool.poetry]\nversion = "1.3"\n'}, "1.3"),
        (
            {
                "pyproject.toml": DYNAMIC + '[tool.hatch.version]\npath = "src/app/about.py"\n',
                "src/app/about.py": "x = 1\n__version__: str = 'v1.4'\n",
            },
            "1.4",
        ),
        (
            {
                "pyproject.toml": DYNAMIC
                + "[tool.hatch.version]\npath = 'v.txt'\npattern = 'is (?P<version>\\S+)'\n",
                "v.txt": "it is 1.5 now",
            },
            "1.5",
        ),
        (
            {
                "pyproject.toml": SETUPTOOLS + 'version = { attr = "app.meta.VERSION" }\n',
                "src/app/meta.py": 'VERSION = "1.6"\n',
            },
            "1.6",
        ),
        (
            {"pyproject.toml": SETUPTOOLS + 'version = { file = ["VERSION"] }\n', "VERSION": "1.7\n"},
            "1.7",
        ),
        (
            {
                "setup.cfg": "[metadata]\nversion = attr: app.__version__\n",
                "app/__init__.py": "__version__='1.8'",
            },
            "1.8",
        ),
        ({"setup.py": "from setuptools import setup\nsetup(name='app', version='1.9')\n"}, "1.9"),
        (
            {
                "pyproject.toml": DYNAMIC + '[build-system]\nbuild-backend = "flit_core.buildapi"\n',
                "app/__init__.py": '"""A."""\n__version__ = "2.0"\n',
            },
            "2.0",
        ),
        ({"pyproject.toml": DYNAMIC, "Cargo.toml": '[package]\nname = "c"\nversion = "2.1.0"\n'}, "2.1.0"),
        ({"pyproject.toml": DYNAMIC, "meson.build": "project('app', 'c',\n  version: '2.2')\n"}, "2.2"),
        ({"pyproject.toml": DYNAMIC}, None),
        ({"pyproject.toml": SETUPTOOLS + 'version = { file = "../outside" }\n'}, None),
        ({"pyproject.toml": "not toml ["}, None),
        ({"setup.py": "setup(version=compute())"}, None),
    ],
)
def test_versions_that_files_say(tmp_path: Path, files: dict[str, str], version: str | None) -> None:
    (tmp_path / "outside").write_text("9.9")
    assert static_version(tree(tmp_path / "tree", files)) == version


def system(*requires: str) -> str:
    return f"[build-system]\nrequires = {list(requires)}\n"


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        (DYNAMIC + system("setuptools>=64", "Setuptools_SCM[toml]>=8"), "setuptools-scm"),
        (DYNAMIC + system("hatchling", "hatch-vcs"), "hatch-vcs"),
        (DYNAMIC + system("pdm-backend"), ""),
        (DYNAMIC + system("pdm-backend") + '[tool.pdm.version]\nsource = "scm"\n', "pdm-backend"),
        (system("poetry-core", "poetry-dynamic-versioning"), "poetry-dynamic-versioning"),
        # For the files that go in, and nothing else.
        ('[project]\nname = "app"\nversion = "1.0"\n' + system("setuptools-scm"), ""),
        (DYNAMIC + system("hatchling"), ""),
    ],
)
def test_tools_that_ask_git(tmp_path: Path, text: str, tool: str) -> None:
    assert version_tool(tree(tmp_path, {"pyproject.toml": text})) == tool


MESON = "project('app', 'c', version: run_command(WORDS, check: true).stdout().strip())\n"


@pytest.mark.parametrize(
    "files",
    [
        {"setup.py": "import version_of\n", "version_of.py": "call(['git', 'describe', '--tags'])\n"},
        {"meson.build": MESON.replace("WORDS", "'git', 'describe', '--tags'"), "backend": "mesonpy"},
        {
            "meson.build": MESON.replace("WORDS", "'tools/v.sh'"),
            "tools/v.sh": "git describe",
            "backend": "mesonpy",
        },
        {
            "pyproject.toml": '[tool.hatch.version]\nsource = "code"\npath = "v.py"\n',
            "v.py": "run('git describe')",
        },
    ],
)
def test_scripts_that_run_git(tmp_path: Path, files: dict[str, str]) -> None:
    backend = files.get("backend", "hatchling.build")
    more = files.get("pyproject.toml", "")
    text = f'{DYNAMIC}[build-system]\nrequires = []\nbuild-backend = "{backend}"\n{more}'
    tree(tmp_path, {**files, "pyproject.toml": text})
    assert version_tool(tmp_path) == "git describe"
    # A version that is written down needs no git.
    tree(tmp_path, {"pyproject.toml": text.replace('dynamic = ["version"]', 'version = "1"')})
    assert version_tool(tmp_path) == ""


def given(folder: Path, requires: str, native: NativeBuild | None = None) -> Build:
    tree(folder, {"pyproject.toml": DYNAMIC + system(requires)})
    return with_version(Build("my.app-x", None, Source(folder=folder), native or NativeBuild()), "3.1")


def test_each_tool_has_its_variable(tmp_path: Path) -> None:
    scm = given(tmp_path, "setuptools-scm")
    names = ("SETUPTOOLS_SCM_PRETEND_VERSION", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_MY_APP_X")
    assert (dict(scm.native.env), scm.version) == (dict.fromkeys(names, "3.1"), "3.1")
    assert dict(given(tmp_path, "pbr").native.env) == {"PBR_VERSION": "3.1"}
    assert not (tmp_path / "PKG-INFO").exists()
    own = NativeBuild(env={"PBR_VERSION": "9"})
    assert dict(given(tmp_path, "pbr", own).native.env) == {"PBR_VERSION": "9"}
    assert given(tmp_path, "hatchling").version is None


def test_a_tool_without_a_variable_finds_metadata(tmp_path: Path) -> None:
    assert dict(given(tmp_path, "versioningit").native.env) == {}
    assert (tmp_path / "PKG-INFO").read_text() == "Metadata-Version: 2.1\nName: my.app-x\nVersion: 3.1\n"


@pytest.mark.parametrize(
    ("more", "tag"),
    [
        ("", ""),
        ('[tool.versioningit.write]\nfile = "x"\n', "v3.1"),
        ('[tool.hatch.version.write]\nfile = "x"\n', "v3.1"),
        (
            '[tool.versioningit.write]\nfile = "x"\n[tool.versioningit.tag2version]\nrmprefix = "a-"\n',
            "a-3.1",
        ),
        # What its own expression takes, nobody can say.
        ('[tool.versioningit.write]\nfile = "x"\n[tool.versioningit.tag2version]\nregex = "."\n', ""),
    ],
)
def test_versioningit_writes_files_where_it_finds_a_tag(tmp_path: Path, more: str, tag: str) -> None:
    tree(tmp_path, {"pyproject.toml": DYNAMIC + system("versioningit") + more})
    assert release_tag(tmp_path, "3.1") == tag
    with_version(Build("app", None, Source(folder=tmp_path)), "3.1")
    assert (tmp_path / "PKG-INFO").exists() == (tag == "")


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2.3", "1.2.3"), ("1.2", "1.2"), ("app-1.2.3", "1.2.3"), ("release/v2.0rc1", "2.0rc1"),
        ("2026.1.2", "2026.1.2"), ("v1.0-rc.1", "1.0rc1"), ("nightly", ""), ("v", ""), ("stable-3-x-", ""),
    ],
)  # fmt: skip
def test_tags_that_are_versions(tag: str, version: str) -> None:
    assert version_of_tag(tag) == version


def package(folder: Path, pyproject: str) -> str:
    tree(folder, {"uv.lock": HEAD + entry("app", source='{ editable = "." }'), "pyproject.toml": pyproject})
    return texts(plan_of(folder))["package.nix"]


def test_package_takes_a_version_where_git_is_asked(tmp_path: Path) -> None:
    text = package(tmp_path, DYNAMIC + system("setuptools-scm"))
    assert 'version ? (lib.importJSON ./python-deps.json).version or "0.0.0"' in text
    assert "uvPackageVersion = version;" in text
    assert "inherit version;" in text
    said = '[tool.uvlock2nix]\nversion = "5.6"\n'
    assert 'version ? "5.6"' in package(tmp_path, DYNAMIC + system("setuptools-scm") + said)
    env = '[tool.uvlock2nix.native.app]\nenv = { SETUPTOOLS_SCM_PRETEND_VERSION = "5.7" }\n'
    assert 'version ? "5.7"' in package(tmp_path, DYNAMIC + system("setuptools-scm") + env)


def test_a_version_of_its_own_stays(tmp_path: Path) -> None:
    text = package(tmp_path, DYNAMIC + '[tool.hatch.version]\npath = "a.py"\n')
    assert 'version = "0"' in text
    tree(tmp_path, {"a.py": '__version__ = "7.8"\n'})
    text = package(tmp_path, DYNAMIC + '[tool.hatch.version]\npath = "a.py"\n')
    assert 'version = "7.8"' in text
    assert "uvPackageVersion" not in text
    with pytest.raises(UsageError, match="`version` must be a version"):
        parse_config({"version": "not one"})


@pytest.mark.parametrize(
    ("files", "tool"),
    [
        ({"setup.cfg": "[versioneer]\nversionfile_source = app/_version.py\n"}, "versioneer"),
        ({"pyproject.toml": DYNAMIC + "[tool.versioneer]\nVCS = 'git'\n"}, "versioneer"),
        ({"setup.py": "os.popen('git describe --tags').read()\n"}, "git describe"),
        ({"setup.py": 'run(["git", "describe"])\n'}, "git describe"),
        ({"setup.py": "# digit describes\n"}, ""),
    ],
)
def test_build_scripts_that_ask_git(tmp_path: Path, files: dict[str, str], tool: str) -> None:
    assert version_tool(tree(tmp_path, {"pyproject.toml": DYNAMIC, **files})) == tool


@pytest.mark.parametrize("where", ["setup.cfg", "pyproject.toml"])
def test_versioneer_finds_its_file_as_in_an_sdist(tmp_path: Path, where: str) -> None:
    tables = {
        "setup.cfg": "[versioneer]\nversionfile_source = src/app/_version.py\n",
        "pyproject.toml": DYNAMIC + '[tool.versioneer]\nversionfile_source = "src/app/_version.py"\n',
    }
    folder = tree(tmp_path, {"pyproject.toml": DYNAMIC, "src/app/_version.py": "", where: tables[where]})
    with_version(Build("app", None, Source(folder=folder), NativeBuild()), "1.2.3.dev1+g0a1b2c3")
    text = (folder / "src/app/_version.py").read_text()
    namespace: dict[str, Any] = {}
    exec(text, namespace)  # noqa: S102 - what versioneer does
    assert namespace["get_versions"]()["version"] == "1.2.3.dev1+g0a1b2c3"
    assert re.search(r"version_json = '''\n(.*)'''  # END VERSION_JSON", text, re.DOTALL)
