"""The key of deps depends on the locked build requirements, and on nothing else in the pins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.emit import BUILD_REQUIREMENTS, FAKE_HASH, plan_of
from tests.support.stand import REPO

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPO / "fixtures" / "hello", tmp_path / "hello"))


def key(project: Path, change: Change = lambda data: None) -> str:
    file = project / BUILD_REQUIREMENTS
    data = json.loads((REPO / "fixtures" / "hello" / BUILD_REQUIREMENTS).read_text())
    change(data)
    file.write_text(json.dumps(data))
    return plan_of(project).systems[0].key


def every_file(data: dict[str, Any], **members: object) -> None:
    for file in data["files"].values():
        file.update(members)


def every_build(data: dict[str, Any], **members: object) -> None:
    for builds in data["packages"].values():
        for build in builds.values():
            build.update(members)


def test_different_files_are_a_different_key(project: Path) -> None:
    assert key(project, lambda data: every_file(data, hash=FAKE_HASH)) != key(project)
    assert key(project, lambda data: every_build(data, files=[])) != key(project)


def test_where_they_come_from_and_when_is_not(project: Path) -> None:
    def moved(data: dict[str, Any]) -> None:
        for name, file in data["files"].items():
            file["url"] = f"https://mirror.example.org/{name}"

    assert key(project, moved) == key(project)
    assert key(project, lambda data: every_build(data, time="2030-01-01T00:00:00Z")) == key(project)


def test_without_them_the_time_that_holds_back_counts(project: Path) -> None:
    assert plan_of(project).exclude_newer is None
    (project / BUILD_REQUIREMENTS).unlink()
    plan = plan_of(project)
    assert plan.exclude_newer is not None
    assert plan.systems[0].key != key(project)
    assert plan_of(project, exclude_newer="2031-01-01T00:00:00Z").systems[0].key == key(project)


def test_those_of_something_else_are_not_taken(project: Path) -> None:
    assert key(project, lambda data: every_build(data, **{"from": "0" * 16})) != key(project)
    key(project, lambda data: every_build(data, **{"from": "0" * 16}))
    assert plan_of(project).build_pins.packages == ()
