"""Tools that ask git for a version get it from us instead: each real tool, in a folder without git."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.stand import REPO
from uvlock2nix.build.environment import FromIndex
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.schedule import build_all
from uvlock2nix.build.values import Build, BuildContext, Source
from uvlock2nix.build.version import with_version

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
    wheel = build_all([build], context, FromIndex(), 1)["the-app"]
    assert wheel.name.startswith("the_app-4.5.6-")
