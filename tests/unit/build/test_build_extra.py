from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locks import DIGEST, HEAD, entry, write_project
from uvlock2nix.lock.extra_build import Extra, extra

WHEEL = f'wheels = [{{ url = "https://i.example/x-1.0-py3-none-any.whl", hash = "{DIGEST}" }}]'
SDIST = f'sdist = {{ url = "https://i.example/x-1.0.tar.gz", hash = "{DIGEST}" }}'
LOCK = (
    HEAD
    + entry("root", source='{ virtual = "." }')
    + entry("torch", more=WHEEL)
    + entry("numpy", more=WHEEL)
    + entry("flash", more=SDIST)
    + entry("other", more=SDIST)
)
LOCKED = {"torch": "1.0", "numpy": "1.0", "flash": "1.0", "other": "1.0"}
ROOT = '[project]\nname = "root"\nversion = "1.0"\n[tool.uv]\n'


@pytest.mark.parametrize("setting", ['no-build-isolation-package = ["flash"]', "no-build-isolation = true"])
def test_a_build_without_isolation_gets_the_locked_wheels(tmp_path: Path, setting: str) -> None:
    project = write_project(tmp_path, LOCK, ROOT + setting)
    names = ("torch", "numpy")
    shared = Extra(build_requires=("torch==1.0", "numpy==1.0"), relax=names)
    assert extra(project, "flash", LOCKED) == shared
    assert extra(project, "other", LOCKED) == (Extra() if "package" in setting else shared)


def test_what_is_said_for_one_package_reaches_that_one(tmp_path: Path) -> None:
    settings = """
    config-settings = { jobs = "2" }
    [tool.uv.config-settings-package]
    flash = { cuda = true }
    [tool.uv.extra-build-variables]
    flash = { A = "b" }
    [tool.uv.extra-build-dependencies]
    flash = ["ninja", { requirement = "torch", match-runtime = true }]
    """
    project = write_project(tmp_path, LOCK, ROOT + settings)
    found = extra(project, "flash", LOCKED)
    assert found.build_requires == ("ninja", "torch==1.0")
    assert found.env == (("A", "b"),)
    assert found.settings == (("cuda", ("true",)), ("jobs", ("2",)))
    assert extra(project, "other", LOCKED) == Extra(settings=(("jobs", ("2",)),))
