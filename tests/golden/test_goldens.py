"""What generate writes for the fixtures, letter by letter; and real Nix evaluates every golden."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.emit import FAKE_HASH, plan_of, texts
from tests.support.stand import REPO, Stand, require_stand, suites_ready
from uvlock2nix import __version__
from uvlock2nix.app.files import is_untouched, stamped
from uvlock2nix.app.new_pins import new_pins
from uvlock2nix.app.planning import generated
from uvlock2nix.build_pins import BuildPins, LockedBuild
from uvlock2nix.emit.common import MARK
from uvlock2nix.modes import Mode
from uvlock2nix.plan import Plan

HERE = Path(__file__).parent
LINUX = ("x86_64-linux",)
# Golden → the fixture, the systems and the mode.
GOLDENS: dict[str, tuple[str, tuple[str, ...], Mode]] = {
    "hello": ("hello", LINUX, "sync"),
    "hello-files": ("hello", LINUX, "files"),
    "wheels-only": ("wheels-only", LINUX, "sync"),
    "authentik": ("authentik", LINUX, "sync"),
    "authentik-files": ("authentik", LINUX, "files"),
    "authentik-two-systems": ("authentik", (*LINUX, "aarch64-darwin"), "sync"),
}
FILES = ("python-deps.nix", "python-env.nix", "package.nix", "python-deps.json")


def sources(fixture: str, folder: Path) -> Path:
    """A copy of a fixture as it is before the first generate."""
    left_out = shutil.ignore_patterns("nix", "result", ".venv", "__pycache__")
    shutil.copytree(REPO / "fixtures" / fixture, folder, ignore=left_out)
    return folder


def written(name: str, folder: Path, python: str = "3.13") -> tuple[Plan, dict[str, str]]:
    """The Plan of a golden's project in ``folder``, and file name → what generate writes."""
    fixture, systems, mode = GOLDENS[name]
    plan = plan_of(sources(fixture, folder), systems=systems, python=python, mode=mode)
    if mode == "files" and python != "3.13":
        plan = plan._replace(build_pins=nothing_to_build_with(plan))
    return plan, {one.path.name: one.text for one in generated(plan, folder, new_pins(plan))}


def nothing_to_build_with(plan: Plan) -> BuildPins:
    """Build requirements as if they were locked: no file. What fixtures have is for Python 3.13."""
    wheels = {one.name for _, listed in plan.fetches for one in listed if one.kind == "wheel"}
    names = sorted({one.name for one in plan.systems[0].classes} - wheels)
    builds = tuple(LockedBuild(name, "", "0" * 16, "2026-01-01T00:00:00Z") for name in names)
    return BuildPins(packages=((LINUX[0], builds),))


def without_version(text: str) -> str:
    """The text with a placeholder for our version and without the digest, which hangs on it."""
    text = text.replace(f"{MARK} {__version__} ", f"{MARK} @version@ ")
    return re.sub(r"^# Digest: .*\n", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_generate_writes_the_golden(name: str, tmp_path: Path) -> None:
    _, files = written(name, tmp_path / "project")
    assert set(files) == set(FILES)
    for file, text in files.items():
        golden = HERE / name / file
        if os.environ.get("UVLOCK2NIX_UPDATE_GOLDEN") == "1":
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(without_version(text), encoding="utf-8")
        assert without_version(text) == golden.read_text(encoding="utf-8"), (
            f"{golden} differs; UVLOCK2NIX_UPDATE_GOLDEN=1 renews it"
        )
        if file.endswith(".nix"):
            assert is_untouched(text)
            assert max(map(len, text.splitlines())) <= 200
            assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_no_golden_is_left_over() -> None:
    there = {str(path.relative_to(HERE)) for path in HERE.glob("*/*") if "__pycache__" not in path.parts}
    assert there == {f"{name}/{file}" for name in GOLDENS for file in FILES}


EVALUATED = """
let
  pkgs = import <nixpkgs> {{ overlays = [ (import {repo}/nix/overlay.nix) ]; }};
  deps = pkgs.callPackage {nix}/python-deps.nix {{ outputHash = "{hash}"; skipLockCheck = true; }};
  env = pkgs.callPackage {nix}/python-env.nix {{ python-deps = deps; }};
  package = pkgs.callPackage {nix}/package.nix {{ python-deps = deps; }};
in
{{
  drvs = map (drv: drv.drvPath) [ deps env package ];
  names = map (drv: drv.name) [ deps env package ];
  inherit (package.passthru) pythonPath;
  envPath = env.passthru.pythonPath;
  env = "${{env}}";
  venv = "${{package.venv}}";
  same = package.passthru.env.drvPath == env.drvPath;
}}
"""


def evaluate(stand: Stand, nix: Path) -> dict[str, object]:
    stand.run(
        [
            "bash",
            "-c",
            'for file; do nix-instantiate --parse "$file" >/dev/null; done',
            "-",
            *nix.glob("*.nix"),
        ]
    )
    found = stand.evaluate(EVALUATED.format(repo=REPO, nix=nix, hash=FAKE_HASH))
    assert isinstance(found, dict)
    return found


def suites() -> list[object]:
    """The newest Nix always; the older ones where they are set up."""
    old = [suite for suite in ("trixie", "bookworm") if suite in suites_ready()]
    return [pytest.param(suite, marks=pytest.mark.stand) for suite in ("forky", *old)]


def pythons(stand: Stand) -> list[str]:
    """The minors of the suite's package set."""
    names = "map (p: p.version) (builtins.filter (p: p != null) (map (n: pkgs.${n} or null) NAMES))"
    listed = " ".join(f'"python3{minor}"' for minor in range(9, 16))
    found = stand.evaluate(
        "with { pkgs = import <nixpkgs> { }; }; " + names.replace("NAMES", f"[ {listed} ]")
    )
    assert isinstance(found, list)
    return [".".join(version.split(".")[:2]) for version in found]


OF_SYNC = sorted(name for name in GOLDENS if GOLDENS[name][2] == "sync")
OF_FILES = sorted(set(GOLDENS) - set(OF_SYNC))


@pytest.mark.parametrize("name", OF_SYNC)
@pytest.mark.parametrize("suite", suites())
def test_nix_evaluates_the_golden(suite: str, name: str, tmp_path: Path) -> None:
    """Old and new Nix read it; where the suite has a different Python, what generate writes for it."""
    stand = require_stand("forky") if suite == "forky" else Stand(suite)
    project = tmp_path / "project"
    here = pythons(stand)
    python = "3.13" if "3.13" in here else here[-1]
    plan, files = written(name, project, python)
    (project / "nix").mkdir()
    for file in FILES:
        golden = (HERE / name / file).read_text(encoding="utf-8")
        (project / "nix" / file).write_text(golden if python == "3.13" else files[file], encoding="utf-8")
    found = evaluate(stand, project / "nix")
    names = found["names"]
    assert isinstance(names, list)
    key = plan.systems[0].key
    assert re.fullmatch(rf"{plan.name}-python-deps-{key}(-[0-9a-f]{{16}})?", names[0])
    assert names[1:] == [f"{plan.name}-python-env", f"{plan.name}-{plan.version.known}"]
    assert found["same"] is True
    assert found["pythonPath"] == f"{found['venv']}/lib/python{python}/site-packages"
    assert found["envPath"] == f"{found['env']}/lib/python{python}/site-packages"


EVALUATED_FILES = """
let
  pkgs = import <nixpkgs> {{ overlays = [ (import {repo}/nix/overlay.nix) ]; }};
  deps = pkgs.callPackage {nix}/python-deps.nix {{ }};
  env = pkgs.callPackage {nix}/python-env.nix {{ }};
  package = pkgs.callPackage {nix}/package.nix {{ }};
  changed = pkgs.callPackage {nix}/python-deps.nix {{
    overrides = _final: prev: {{ {one} = prev.{one}.overrideAttrs {{ version = "7"; }}; }};
  }};
in
{{
  names = builtins.mapAttrs (_: drv: drv.name) deps.packages;
  drvs = builtins.mapAttrs (_: drv: drv.drvPath) deps.packages;
  changed = builtins.mapAttrs (_: drv: drv.drvPath) changed.packages;
  package = package.drvPath;
  build = env.build.drvPath;
  venv = "${{package.venv}}";
  inherit (package.passthru) pythonPath;
  same = package.passthru.env.drvPath == env.drvPath;
}}
"""


@pytest.mark.parametrize("name", OF_FILES)
@pytest.mark.parametrize("suite", suites())
def test_nix_evaluates_the_golden_of_files(suite: str, name: str, tmp_path: Path) -> None:
    """One derivation for each package; a change of one package changes no other."""
    stand = require_stand("forky") if suite == "forky" else Stand(suite)
    project = tmp_path / "project"
    here = pythons(stand)
    python = "3.13" if "3.13" in here else here[-1]
    plan, files = written(name, project, python)
    (project / "nix").mkdir()
    for file in FILES:
        golden = (HERE / name / file).read_text(encoding="utf-8")
        (project / "nix" / file).write_text(golden if python == "3.13" else files[file], encoding="utf-8")
    # Fetched while it is evaluated, from a server that is not there now.
    pins = project / "nix" / "python-deps.json"
    data = json.loads(pins.read_text())
    for one in data["packages"][LINUX[0]].values():
        if one.pop("git", None):
            one["path"] = "pyproject.toml"
    pins.write_text(json.dumps(data))
    one = min(data["packages"][LINUX[0]])
    found = stand.evaluate(EVALUATED_FILES.format(repo=REPO, nix=project / "nix", one=json.dumps(one)))
    assert isinstance(found, dict)
    (listed,) = (listed for _, listed in plan.fetches)
    assert found["names"] == {one.name: f"python{python}-{one.name}-{one.version}" for one in listed}
    assert found["same"] is True
    assert found["pythonPath"] == f"{found['venv']}/lib/python{python}/site-packages"
    assert {name for name, drv in found["drvs"].items() if found["changed"][name] != drv} == {one}


@pytest.mark.stand
def test_the_check_of_goldens_fails_when_it_must(tmp_path: Path) -> None:
    project = tmp_path / "project"
    _, files = written("hello", project)
    (project / "nix").mkdir()
    for file, text in files.items():
        (project / "nix" / file).write_text(text.replace("lib.fileset.unions", "lib.fileset.unoins"))
    with pytest.raises(AssertionError, match="unoins"):
        evaluate(require_stand("forky"), project / "nix")


def test_stamped_texts_know_an_edit() -> None:
    text = stamped("".join(f"{line}\n" for line in texts(plan_of(REPO / "fixtures" / "hello")).values()))
    assert is_untouched(text)
    assert not is_untouched(text.replace("stdenv", "stdenw", 1))
    assert not is_untouched(text + "\n")
    assert not is_untouched(text.replace(MARK, "Written by me", 1))


def test_files_are_readable_by_git() -> None:
    """No control characters, one newline at the end."""
    done = subprocess.run(
        ["git", "-C", str(REPO), "ls-files", "tests/golden"], capture_output=True, text=True, check=True
    )
    for file in done.stdout.split():
        data = (REPO / file).read_bytes()
        assert data.endswith(b"\n")
        assert not re.search(rb"[\x00-\x09\x0b-\x1f]", data)
