"""Local packages whose build cannot depend on uv.lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvlock2nix.lock import load_project
from uvlock2nix.lock.unread import no_build_reads_lock

LOCK = """\
version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "app"
version = "1.0"
source = { editable = "." }
"""
PROJECT = '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.12"\n'


def system(backend: str, *requires: str, more: str = "") -> str:
    listed = ", ".join(f'"{one}"' for one in requires)
    return f'[build-system]\nrequires = [{listed}]\nbuild-backend = "{backend}"\n{more}\n'


HATCHLING = system("hatchling.build", "hatchling>=1.20")
UV_BUILD = system("uv_build", "uv_build>=0.8,<0.14")
FLIT = system("flit_core.buildapi", "flit_core >=3.2,<4")
WHEEL = "[tool.hatch.build.targets.wheel]\n"


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        (HATCHLING, True),
        (UV_BUILD, True),
        (FLIT, True),
        (HATCHLING + WHEEL + 'packages = ["src/app"]', True),
        (HATCHLING + '[tool.hatch.version]\npath = "src/app/__init__.py"', True),
        ('readme = "README.md"\nlicense-files = ["LICEN[CS]E*", "doc/*.md"]\n' + UV_BUILD, True),
        # Files that a pattern or a setting may take into the wheel.
        (HATCHLING + WHEEL + 'include = ["*"]', False),
        (HATCHLING + WHEEL + 'packages = ["."]', False),
        (HATCHLING + WHEEL + 'packages = ["./"]', False),
        (
            HATCHLING + '[tool.hatch.build.targets.wheel.force-include]\n"uv.lock" = "app/l"',
            False,
        ),
        (UV_BUILD + '[tool.uv.build-backend]\ndata = { data = "." }', False),
        (FLIT + '[tool.flit.external-data]\ndirectory = "."', False),
        ('license-files = ["*"]\n' + UV_BUILD, False),
        ('license-files = ["**/*.lock"]\n' + UV_BUILD, False),
        ('readme = "uv.lock"\n' + UV_BUILD, False),
        ('readme = { file = "uv.lock", content-type = "text/plain" }\n' + UV_BUILD, False),
        # Code that may read it.
        (HATCHLING + "[tool.hatch.build.hooks.custom]", False),
        (HATCHLING + "[tool.hatch.metadata.hooks.pinned-extra]", False),
        (HATCHLING + '[tool.hatch.version]\nsource = "code"\npath = "version.py"', False),
        (system("hatchling.build", "hatchling", "hatch-pinned-extra"), False),
        (system("backend", more='backend-path = ["."]'), False),
        (system("setuptools.build_meta", "setuptools"), False),
        ("", False),
    ],
)
def test_only_the_plain_use_of_plain_backends_counts(tmp_path: Path, text: str, unread: bool) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text(PROJECT + text)
    assert no_build_reads_lock(load_project(tmp_path).members) == unread


def test_hatch_has_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text(PROJECT + HATCHLING)
    (tmp_path / "hatch.toml").write_text("")
    assert not no_build_reads_lock(load_project(tmp_path).members)
