"""The files that uv itself downloaded, recorded with scripts/compare_wheels.py."""

from __future__ import annotations

import json

import pytest

from tests.support.locks import LOCKS, wheel_package
from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.target import Target

RECORDED = json.loads((LOCKS / "wheels.json").read_text())


@pytest.mark.parametrize("key", sorted(RECORDED["answers"]))
def test_we_choose_what_uv_downloads(key: str) -> None:
    told = RECORDED["targets"][key]
    target = Target.parse(told["system"], told["python"], libc=told["libc"], macos=told["macos"])
    wrong = {}
    for package, filename in RECORDED["answers"][key].items():
        name, _, version = package.partition("==")
        files = RECORDED["packages"][package]
        locked = wheel_package(name, version, *files["wheels"], sdist=files["sdist"] is not None)
        artifact = choose(locked, target, BuildPolicy()).artifact
        assert artifact is not None
        ours = artifact.filename if artifact.kind == "wheel" else files["sdist"]
        if ours != filename:
            wrong[package] = (ours, filename)
    assert not wrong


def test_there_are_enough_pairs() -> None:
    assert sum(map(len, RECORDED["answers"].values())) >= 300
