"""``uvlock2nix sbom``: the official schema accepts it; it holds no secret, and is the same each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.support.packages import make_wheel
from tests.support.stand import REPO

SIGNED = "https://joe:hunter2@files.example/signed-1.0-py3-none-any.whl?sig=hunter2"
LOCK = f"""\
version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1!2.0+local"
source = {{ editable = "." }}
dependencies = [{{ name = "idna" }}, {{ name = "signed" }}]

[[package]]
name = "idna"
version = "3.11"
source = {{ registry = "https://index.example/simple" }}
wheels = [{{ url = "https://index.example/idna-3.11-py3-none-any.whl", hash = "sha256:{"0" * 64}" }}]

[[package]]
name = "signed"
version = "1.0"
source = {{ url = "{SIGNED}" }}
dependencies = [{{ name = "idna" }}]
wheels = [{{ url = "{SIGNED}", hash = "sha512:{"1" * 128}" }}]
"""
PROJECT = f"""\
[project]
name = "app"
version = "1!2.0+local"
requires-python = ">=3.11"
dependencies = ["idna", "signed @ {SIGNED}"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "uvlock2nix", "sbom", *map(str, words), "--python=3.13"]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)


def accepted(text: str) -> bool:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error
    return True


@pytest.mark.parametrize("name", ["hello", "wheels-only", "bitpoll", "authentik", "blog"])
def test_the_official_schema_accepts_it(name: str) -> None:
    done = run(REPO / "fixtures" / name)
    assert done.returncode == 0, done.stderr
    assert accepted(done.stdout)
    again = run(REPO / "fixtures" / name)
    assert again.stdout == done.stdout


def test_it_names_each_file_and_nothing_secret(project: Path) -> None:
    done = run(project)
    assert done.returncode == 0, done.stderr
    assert accepted(done.stdout)
    assert "hunter2" not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    by_name = {one["name"]: one for one in document["components"]}
    assert by_name["app"]["purl"] == "pkg:pypi/app@1%212.0%2Blocal"
    assert by_name["idna"]["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]
    assert by_name["signed"]["hashes"] == [{"alg": "SHA-512", "content": "1" * 128}]
    assert by_name["signed"]["externalReferences"] == [
        {"type": "distribution", "url": "https://files.example/signed-1.0-py3-none-any.whl"}
    ]
    depends = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    assert depends["pkg:pypi/signed@1.0"] == ["pkg:pypi/idna@3.11"]
    assert depends["project"] == ["pkg:pypi/app@1%212.0%2Blocal"]


def test_licences_come_from_an_environment(project: Path, tmp_path: Path) -> None:
    import zipfile

    site = tmp_path / "tree" / "lib" / "python3.13" / "site-packages"
    with zipfile.ZipFile(make_wheel(tmp_path / "wheels", "idna", {}, version="3.11")) as wheel:
        wheel.extractall(site)
    metadata = site / "idna-3.11.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "License-Expression: BSD-3-Clause\n")
    done = run(project, "--tree", tmp_path / "tree")
    assert done.returncode == 0, done.stderr
    assert accepted(done.stdout)
    licences = {one["name"]: one.get("licenses") for one in json.loads(done.stdout)["components"]}
    assert licences == {"app": None, "idna": [{"license": {"name": "BSD-3-Clause"}}], "signed": None}


def test_a_tree_without_an_environment_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run(project, "--tree", tmp_path / "empty")
    assert done.returncode == 3
    assert "no lib/python3*/site-packages in it" in done.stderr
