"""What is reported about attributes before Nix fails on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.emit import plan_of
from tests.support.locks import write_project
from tests.support.stand import REPO
from uvlock2nix.emit.remarks import attribute_remarks
from uvlock2nix.errors import UsageError
from uvlock2nix.lock import Project
from uvlock2nix.plan import Input, Plan

LINUX = ("x86_64-linux",)


def hello(*attrs: str, python: str = "3.13") -> Plan:
    inputs = tuple(Input(attr, ("gui", "tool"), LINUX) for attr in attrs)
    return plan_of(REPO / "fixtures" / "hello")._replace(build_inputs=inputs, python=python)


def test_nothing_is_said_about_what_is_there() -> None:
    assert attribute_remarks(hello("zlib", "libpq", "libxi", "nobody-knows")) == ()


def test_what_nixpkgs_refuses_is_announced_with_what_allows_it() -> None:
    (unfree, insecure) = attribute_remarks(hello("unrar", "olm"))
    assert unfree.startswith("gui, tool: nixpkgs refuses unrar, which is unfree")
    assert "`allowUnfree = true;`" in unfree
    assert "`NIXPKGS_ALLOW_UNFREE=1 uvlock2nix update-hash`" in unfree
    assert "allowInsecurePredicate" in insecure
    assert "NIXPKGS_ALLOW_INSECURE=1" in insecure


def test_what_nixpkgs_dropped_is_named() -> None:
    (gone,) = attribute_remarks(hello("wolfssl"))
    assert "nixpkgs has no wolfssl since 26.05" in gone
    assert "[tool.uvlock2nix.native.gui]" in gone


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("3.9", "no supported nixpkgs has python39"),
        ("3.10", "nixpkgs has no python310 since 26.05"),
        ("3.15", "python315 is not in every supported nixpkgs"),
        ("3.13", ""),
    ],
)
def test_a_python_that_not_every_nixpkgs_has(python: str, said: str) -> None:
    assert " ".join(attribute_remarks(hello(python=python))).startswith(said)
    assert bool(attribute_remarks(hello(python=python))) == bool(said)


LOCK = """
version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "demo"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "{name}" }}]

[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "https://index.example/simple" }}
sdist = {{ url = "https://files.example/{name}-{version}.tar.gz", hash = "sha256:{digest}", size = 1 }}
"""
PYPROJECT = """
[project]
name = "demo"
version = "0"
requires-python = ">=3.12"
dependencies = ["{name}=={version}"]
"""


def from_source(folder: Path, name: str, version: str, more: str = "") -> Project:
    lock = LOCK.format(name=name, version=version, digest="0" * 64)
    return write_project(folder, lock, PYPROJECT.format(name=name, version=version) + more)


def test_what_the_table_left_out_because_it_is_gone(tmp_path: Path) -> None:
    plan = plan_of(from_source(tmp_path, "pywlroots", "0.17.0"))
    assert not any("wlroots" in one.attr for one in plan.build_inputs)
    (said,) = attribute_remarks(plan)
    assert said.startswith("pywlroots: its build needs wlroots_0_17, which nixpkgs does not have since 26.05")


def test_qt_from_source_is_refused_with_ways_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        plan_of(from_source(tmp_path, "pyqt6", "6.9.0"))
    assert "would be built from source, which does not work" in caught.value.message
    assert caught.value.hint is not None
    assert 'allow = ["pyqt6"]' in caught.value.hint


def test_who_writes_down_what_qt_needs_is_believed(tmp_path: Path) -> None:
    own = '[tool.uvlock2nix.native.pyqt6]\nbuild-inputs = ["qt6.full-of-it"]\n'
    plan = plan_of(from_source(tmp_path, "pyqt6", "6.9.0", own))
    assert [one.attr for one in plan.build_inputs] == ["qt6.full-of-it"]
