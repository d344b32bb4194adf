"""A lock can differ between patch releases; nixpkgs seldom has the one that the files were made for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import project_at
from tests.support.emit import FAKE_HASH, plan_of, texts
from tests.support.locks import LOCKS
from tests.support.stand import REPO, require_stand
from uvlock2nix.app.new_pins import new_pins
from uvlock2nix.app.planning import generated
from uvlock2nix.errors import Uvlock2nixError
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.python_range import patch_ranges
from uvlock2nix.target import Target

ALL = Selection(all_packages=True, all_extras=True, all_groups=True)
EVALUATED = """
{ dir }:
(import <nixpkgs> { overlays = [ (import REPO/nix/overlay.nix) ]; }).callPackage
  (/. + dir + "/nix/python-deps.nix") { }
""".replace("REPO", str(REPO))


def found(project: Path, python: str) -> tuple[int | None, int | None]:
    loaded, target = load_project(project), Target.parse("x86_64-linux", python)
    packages = resolve(loaded, Selection(), target).packages
    here = frozenset((one.package.name, one.package.version) for one in packages)
    return patch_ranges(loaded, Selection(), [(target, here)])[0]


def test_a_marker_on_a_patch_release(tmp_path: Path) -> None:
    """`older` is installed before 3.13.16."""
    project = project_at(tmp_path)
    assert found(project, "3.13.2") == (None, 16)
    assert found(project, "3.13.15") == (None, 16)
    assert found(project, "3.13.16") == (16, None)
    assert found(project, "3.12.4") == found(project, "3.14.0") == (None, None)


@pytest.mark.parametrize(
    ("requires", "python", "bounds"),
    [
        ("==3.12.2", "3.12.2", (2, 3)),
        (">=3.12.4", "3.12.7", (4, None)),
        (">=3.12,<3.12.9", "3.12.7", (None, 9)),
        ("!=3.12.5,>=3.11", "3.12.7", (6, None)),
        (">=3.12", "3.12.7", (None, None)),
        (">=3.12.0", "3.12.7", (None, None)),
    ],
)
def test_what_requires_python_admits(
    tmp_path: Path, requires: str, python: str, bounds: tuple[int | None, int | None]
) -> None:
    project = project_at(tmp_path)
    for name in ("uv.lock", "pyproject.toml"):
        file = project / name
        file.write_text(file.read_text().replace(">=3.11", requires))
    assert found(project, python) == bounds


@pytest.mark.parametrize(
    ("name", "python", "cuts"),
    [("microsoft__autogen__python", "3.12", False), ("paperless-ngx__paperless-ngx", "3.11", True)],
)
def test_real_locks_as_if_every_release_were_tried(name: str, python: str, cuts: bool) -> None:
    loaded = load_project(LOCKS / name)

    def packages(patch: int) -> object:
        try:
            found = resolve(loaded, ALL, Target.parse("x86_64-linux", f"{python}.{patch}")).packages
        except Uvlock2nixError:
            return None
        return frozenset((one.package.name, one.package.version) for one in found)

    every = {patch: packages(patch) for patch in range(24)}
    assert (len(set(every.values())) > 1) is cuts
    for patch, here in every.items():
        if isinstance(here, frozenset):
            target = Target.parse("x86_64-linux", f"{python}.{patch}")
            below = [one + 1 for one in range(patch) if every[one] != here]
            above = [one for one in range(patch, 24) if every[one] != here]
            expected = (max(below, default=None), min(above, default=None))
            assert patch_ranges(loaded, ALL, [(target, here)]) == [expected]


def test_nothing_is_checked_where_the_lock_does_not_cut(tmp_path: Path) -> None:
    project = project_at(tmp_path)
    assert "lib.version" not in texts(plan_of(project, python="3.12"))["python-deps.nix"]
    text = texts(plan_of(project, python="3.13.15"))["python-deps.nix"]
    assert 'if lib.versionAtLeast python.version "3.13.16" then' in text


@pytest.mark.stand
def test_a_nixpkgs_with_a_different_patch_release_is_refused(tmp_path: Path) -> None:
    stand = require_stand("forky")
    version = stand.evaluate("(import <nixpkgs> { }).python313.version")
    assert isinstance(version, str)
    patch = int(version.split(".")[2])
    project = project_at(tmp_path)
    for name in ("uv.lock", "pyproject.toml"):
        file = project / name
        file.write_text(file.read_text().replace("3.13.16", f"3.13.{patch + 1}"))

    def evaluated(python: str) -> str:
        plan = plan_of(project, python=python)
        (project / "nix").mkdir(exist_ok=True)
        for one in generated(plan, project, new_pins(plan)):
            one.path.write_text(one.text)
        pins = project / "nix" / "python-deps.json"
        raw = json.loads(pins.read_text())
        raw["hashes"] = {"x86_64-linux": {"hash": FAKE_HASH, "key": plan.systems[0].key}}
        pins.write_text(json.dumps(raw))
        words = ["nix-instantiate", "-E", EVALUATED, "--argstr", "dir", str(project)]
        done = stand.run(words, check=False)
        return done.stderr if done.returncode else ""

    assert evaluated(version) == ""
    assert f"selects other packages, or none, for Python {version}" in evaluated(f"3.13.{patch + 1}")
