"""Tools that ask git for a version get it from us instead: each real tool, in a folder without git."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.locks import HEAD as HEAD_OF_LOCK
from tests.support.locks import entry
from tests.support.stand import REPO
from uvlock2nix.build.environment import FromIndex
from uvlock2nix.build.file_list import commit_source
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.schedule import build_all
from uvlock2nix.build.values import Build, BuildContext, Source
from uvlock2nix.build.version import with_version
from uvlock2nix.cli.app import cli
from uvlock2nix.errors import InputError
from uvlock2nix.target import this_system
from uvlock2nix.venv.members import local_builds, parse_versions

HEAD = '[project]\nname = "the-app"\ndynamic = ["version"]\n'


def system(backend: str, *requires: str) -> str:
    listed = ", ".join(f'"{one}"' for one in requires)
    return f'[build-system]\nrequires = [{listed}]\nbuild-backend = "{backend}"\n'


HATCH = "hatchling.build"
SETUPTOOLS = "setuptools.build_meta"
TOOLS = {
    "setuptools-scm": {
        "pyproject.toml": HEAD
        + system(SETUPTOOLS, "setuptools>=80", "setuptools-scm>=8")
        + "[tool.setuptools_scm]\n"
    },
    "hatch-vcs": {
        "pyproject.toml": HEAD
        + system(HATCH, "hatchling", "hatch-vcs")
        + '[tool.hatch.version]\nsource = "vcs"\n'
        + '[tool.hatch.build.hooks.vcs]\nversion-file = "the_app/_version.py"\n'
    },
    "uv-dynamic-versioning": {
        "pyproject.toml": HEAD
        + system(HATCH, "hatchling", "uv-dynamic-versioning")
        + '[tool.hatch.version]\nsource = "uv-dynamic-versioning"\n'
    },
    "versioningit": {
        "pyproject.toml": HEAD
        + system(HATCH, "hatchling", "versioningit")
        + '[tool.hatch.version]\nsource = "versioningit"\n'
    },
    "versioningit, into a file": {
        "pyproject.toml": HEAD
        + system(SETUPTOOLS, "setuptools>=80", "versioningit")
        + '[tool.versioningit.write]\nfile = "the_app/_version.py"\n'
        + '[tool.setuptools]\npackages = ["the_app"]\n',
        "setup.py": "from setuptools import setup\nfrom versioningit import get_cmdclasses\n"
        "setup(cmdclass=get_cmdclasses())\n",
    },
    "poetry-dynamic-versioning": {
        "pyproject.toml": '[tool.poetry]\nname = "the-app"\nversion = "0.0.0"\n'
        'description = ""\nauthors = []\n'
        + system("poetry_dynamic_versioning.backend", "poetry-core>=1", "poetry-dynamic-versioning>=1")
        + "[tool.poetry-dynamic-versioning]\nenable = true\n"
    },
    "pdm": {
        "pyproject.toml": HEAD + system("pdm.backend", "pdm-backend") + '[tool.pdm.version]\nsource = "scm"\n'
    },
    "pbr": {
        "pyproject.toml": system(SETUPTOOLS, "pbr>=6", "setuptools>=80"),
        "setup.py": "from setuptools import setup\nsetup(pbr=True)\n",
        "setup.cfg": "[metadata]\nname = the-app\n[files]\npackages =\n    the_app\n",
    },
    "versioneer": {
        "pyproject.toml": HEAD
        + system(SETUPTOOLS, "setuptools>=80", "versioneer[toml]")
        + '[tool.versioneer]\nVCS = "git"\nversionfile_source = "the_app/_version.py"\n'
        + 'versionfile_build = "the_app/_version.py"\ntag_prefix = "v"\n'
        + '[tool.setuptools]\npackages = ["the_app"]\n',
        "setup.py": "import versioneer\nfrom setuptools import setup\n"
        "setup(version=versioneer.get_version(), cmdclass=versioneer.get_cmdclass())\n",
    },
    "setuptools-git-versioning": {
        "pyproject.toml": HEAD
        + system(SETUPTOOLS, "setuptools>=80", "setuptools-git-versioning")
        + "[tool.setuptools-git-versioning]\nenabled = true\n"
    },
}


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_each_tool_takes_the_version_that_it_is_given(tmp_path: Path, tool: str) -> None:
    source = tmp_path / "source"
    (source / "the_app").mkdir(parents=True)
    (source / "the_app" / "__init__.py").write_text("")
    for name, text in TOOLS[tool].items():
        (source / name).write_text(text)
    context = BuildContext(
        run=Runner(quiet=True),
        uv=str(REPO / ".venv" / "bin" / "uv"),
        python=Path(sys.executable),
        root=tmp_path / "work",
        env=base_environment(tmp_path / "home", os.environ),
        exclude_newer=None,
    )
    context.root.mkdir()
    build = with_version(Build("the-app", None, Source(folder=source)), "4.5.6")
    commit_source(source, [build], context.run, context.env)
    wheel = build_all([build], context, FromIndex(), 1)["the-app"]
    assert wheel.name.startswith("the_app-4.5.6-")
    written = {"hatch-vcs", "versioneer", "versioningit, into a file"}
    with zipfile.ZipFile(wheel) as archive:
        there = "the_app/_version.py" in archive.namelist()
        assert there == (tool in written)
        assert not there or b"4.5.6" in archive.read("the_app/_version.py")


LIB = """\
[project]
name = "lib"
dynamic = ["version"]
requires-python = ">=3.11"
[build-system]
requires = ["setuptools>=80", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
packages = []
[tool.setuptools_scm]
root = "../.."
scm.git.describe_command = "git describe --dirty --tags --long --match lib-*"
tag_regex = "^lib-(?P<version>.+)$"
"""
APP = """\
[project]
name = "app"
dynamic = ["version"]
requires-python = ">=3.11"
dependencies = ["lib"]
[build-system]
requires = ["hatchling", "hatch-vcs"]
build-backend = "hatchling.build"
[tool.hatch.version]
source = "vcs"
[tool.uv.sources]
lib = { workspace = true }
[tool.uv.workspace]
members = ["libs/*"]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A workspace whose two packages have tags of their own, and a commit after both."""
    place = tmp_path / "app"
    (place / "libs/lib").mkdir(parents=True)
    (place / "app").mkdir()
    (place / "app/__init__.py").write_text("")
    (place / "libs/lib/pyproject.toml").write_text(LIB)
    (place / "pyproject.toml").write_text(APP)
    entries = entry("app", None, source='{ editable = "." }', deps=("lib",))
    entries += entry("lib", None, source='{ editable = "libs/lib" }')
    head = HEAD_OF_LOCK.replace("3.12", "3.11") + '\n[manifest]\nmembers = ["app", "lib"]\n'
    (place / "uv.lock").write_text(head + entries)
    git(place, "init", "--quiet")
    commit(place, "first")
    git(place, "tag", "lib-0.5")
    commit(place, "of app")
    git(place, "tag", "v1.2.0")
    commit(place, "second")
    return place


def git(place: Path, *arguments: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example"]
    done = subprocess.run(
        ["git", "-C", str(place), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(place: Path, words: str) -> None:
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--allow-empty", "-m", words)


def generate(place: Path, *arguments: str) -> Result:
    command = ["generate", str(place), "--system", this_system(), "--python", "3.13", "--all-packages"]
    done = CliRunner().invoke(cli, [*command, *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.network
@pytest.mark.slow
def test_after_a_tag_the_tools_themselves_are_asked(repository: Path) -> None:
    done = generate(repository)
    pins = json.loads((repository / "nix/python-deps.json").read_text())
    short = git(repository, "rev-parse", "--short=9", "HEAD")
    assert pins["version"] == f"1.2.1.dev1+g{short}"
    assert pins["versions"] == {"lib": f"0.6.dev2+g{short[:7]}"}
    assert f"1.2.1.dev1+g{short}, as hatch-vcs computes for this commit; lib 0.6.dev2" in done.stderr
    assert "versions or { }" in (repository / "nix/package.nix").read_text()
    # The tree itself is left alone.
    assert not list(repository.rglob("*.egg-info"))
    # The commit that holds the pins is a later one: they are not out of date by that.
    commit(repository, "third")
    generate(repository, "--check")
    assert "1.2.1.dev2" in generate(repository).stderr
    git(repository, "tag", "v1.3.0")
    assert "1.3.0, from the tag v1.3.0" in generate(repository).stderr


@pytest.mark.network
@pytest.mark.slow
def test_what_cannot_be_asked_has_the_version_of_the_tag(repository: Path) -> None:
    (repository / "libs/lib/pyproject.toml").write_text(LIB.replace("root =", "nonsense =", 1))
    commit(repository, "broken")
    done = generate(repository)
    assert "lib: setuptools-scm could not be asked for the version of this commit: asking lib" in done.stderr
    pins = json.loads((repository / "nix/python-deps.json").read_text())
    assert "versions" not in pins


@pytest.mark.network
@pytest.mark.slow
def test_a_source_archive_has_the_version_that_its_files_say(tmp_path: Path) -> None:
    """The archive of a commit has no .git, and a file in place of it."""
    place = tmp_path / "app"
    place.mkdir()
    (place / "pyproject.toml").write_text(TOOLS["setuptools-scm"]["pyproject.toml"])
    head = HEAD_OF_LOCK.replace("3.12", "3.11")
    (place / "uv.lock").write_text(head + entry("the-app", None, source='{ editable = "." }'))
    lines = ("node: 1234567890abcdef1234567890abcdef12345678", "describe-name: v9.1")
    (place / ".git_archival.txt").write_text("\n".join(lines) + "\n")
    before = sorted(place.rglob("*"))
    assert "using 9.1, as setuptools-scm computes where there is no tag" in generate(place).stderr
    assert json.loads((place / "nix/python-deps.json").read_text())["version"] == "9.1"
    assert [one for one in sorted(place.rglob("*")) if "nix" not in one.parts] == before
    (place / ".git_archival.txt").unlink()
    done = generate(place)
    assert "the-app: setuptools-scm could not be asked for the version of this commit" in done.stderr
    assert "using 9.1, as in the pins" in done.stderr


@pytest.mark.network
def test_a_large_folder_without_git_is_not_copied(tmp_path: Path) -> None:
    place = tmp_path / "app"
    place.mkdir()
    (place / "pyproject.toml").write_text(TOOLS["setuptools-scm"]["pyproject.toml"])
    head = HEAD_OF_LOCK.replace("3.12", "3.11")
    (place / "uv.lock").write_text(head + entry("the-app", None, source='{ editable = "." }'))
    with (place / "data.bin").open("wb") as file:
        file.truncate(2 << 30)
    done = generate(place)
    assert "no tool was asked for the version: it is larger than 1 GiB" in done.stderr
    assert "using 0.0.0: no tag names a version" in done.stderr


def test_versions_of_single_packages_go_before_the_common_one(tmp_path: Path) -> None:
    for name in ("app", "lib", "own"):
        (tmp_path / name).mkdir()
        text = '[project]\nname = "x"\nversion = "7"\n' if name == "own" else LIB
        (tmp_path / name / "pyproject.toml").write_text(text)
    folders = [(name, tmp_path / name) for name in ("app", "lib", "own")]
    builds = local_builds(folders, {}, "1.0", parse_versions('{"lib": "2.0", "own": "3.0"}'))
    assert [one.version for one in builds] == ["1.0", "2.0", None]
    for text in ("[]", "{", '{"lib": 1}'):
        with pytest.raises(InputError, match="uvPackageVersions"):
            parse_versions(text)
