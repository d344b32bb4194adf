"""Plans and emitted files for tests, and a stand-in for nixpkgs in which emitted files can be read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.support.stand import Stand
from uvlock2nix.app.build_requirements import fitting
from uvlock2nix.build_pins import BuildPins
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifyPolicy, classify
from uvlock2nix.cli.sync import read_build_requirements
from uvlock2nix.config import parse_config
from uvlock2nix.emit import deps_file, env_file, package_file
from uvlock2nix.emit.common import DEPS, ENV, PACKAGE
from uvlock2nix.knowledge.user import parse_user_native
from uvlock2nix.lock import Project, Selection, load_project, resolve
from uvlock2nix.modes import Mode
from uvlock2nix.nixlang import render_file, value
from uvlock2nix.plan import Plan, make_plan
from uvlock2nix.target import Target

FAKE_HASH = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
# What a fixture's packages are built with; scripts/update_fixtures writes it.
BUILD_REQUIREMENTS = "build-requirements.json"
NOTHING_FROM_NIXPKGS = ClassifyPolicy(from_nixpkgs="none")


def plan_of(
    project: Project | Path,
    *,
    systems: Iterable[str] = ("x86_64-linux",),
    python: str = "3.13",
    selection: Selection | None = None,
    exclude_newer: str | None = None,
    libc: str | None = None,
    mode: Mode = "sync",
) -> Plan:
    """The Plan of a project, by the embedded tables and its own ``[tool.uvlock2nix]``."""
    if isinstance(project, Path):
        project = load_project(project)
    selection = selection or Selection()
    config = parse_config(project.tool)
    knowledge = Knowledge(user=parse_user_native(config.native))
    classified = []
    for system in systems:
        target = Target.parse(system, python, libc=libc)
        environment = resolve(project, selection, target)
        classified.append((target, classify(project, environment, target, knowledge, NOTHING_FROM_NIXPKGS)))
    file = project.root / BUILD_REQUIREMENTS
    pins = read_build_requirements(file) if file.exists() else BuildPins()
    pins = fitting(project, config, classified, pins).pins
    return make_plan(
        project, selection, config, classified, exclude_newer=exclude_newer, build_pins=pins, mode=mode
    )


def texts(plan: Plan) -> dict[str, str]:
    """File name → text of the Nix files."""
    return {DEPS: deps_file(plan), ENV: env_file(plan), PACKAGE: package_file(plan)}


# A set in which every derivation is the set of its attributes, so that they can be read as JSON.
READ_BACK = """
{ attrs, system, folder, hash, lock }:
let
  lib = (import <nixpkgs> { }).lib;
  here = import attrs;
  pkgs = here // {
    inherit lib;
    callPackage = lib.callPackageWith pkgs;
    stdenv = {
      outPath = "/fake/stdenv";
      cc = { outPath = "/fake/cc"; cc = { outPath = "/fake/cc-cc"; }; };
      hostPlatform = {
        inherit system;
        isLinux = lib.hasSuffix "-linux" system;
        isDarwin = lib.hasSuffix "-darwin" system;
      };
      mkDerivation = given:
        let
          final = self // { finalPackage = { outPath = "/fake/final"; venv = "/fake/final-venv"; }; };
          self = if builtins.isFunction given then given final else given;
        in
        self // { build = "/fake/build"; outPath = "/fake/${self.name or self.pname}"; };
    };
    uvPackageHook = { outPath = "/fake/uvPackageHook"; projectSource = _: "/fake/source"; parts = _: { }; };
    stripReferencesHook = { outPath = "/fake/strip"; referenceInputs = lib.mapAttrs (name: toString); };
  };
  read = drv: removeAttrs drv [ "src" "outPath" "override" "overrideDerivation" ];
  deps = pkgs.callPackage (folder + "/python-deps.nix") { outputHash = hash; skipLockCheck = lock; };
in
{
  deps = read deps;
  env = read (pkgs.callPackage (folder + "/python-env.nix") { python-deps = deps; });
  package = read (pkgs.callPackage (folder + "/package.nix") { python-deps = deps; });
}
"""


def fake_packages(plan: Plan) -> dict[str, Any]:
    """Everything that the files of ``plan`` may take from nixpkgs, as ``/fake/NAME``."""
    inputs = (*plan.build_inputs, *plan.native_build_inputs, *plan.runtime_inputs, *plan.wheel_libraries)
    inputs += plan.script_programs
    inputs += (*plan.member_inputs, *plan.member_tools)
    templates = [part for one in plan.natives for _, parts in one.inputs.build.env for part in parts]
    named = [one.attr for one in inputs] + [part.attr for part in templates if hasattr(part, "attr")]
    found: dict[str, Any] = {}
    hooks = ("uvSyncHook", "restoreReferencesHook", "uvEnvHook", "uvPackageHook")
    for path in ("uv", "git", "cacert", "expat", "zlib", *hooks, *named):
        at = found
        for part in path.split("."):
            at = at.setdefault(part, {})
        at["outPath"] = f"/fake/{path}"
    found[plan.python_attr] = {
        "outPath": "/fake/python",
        "interpreter": "/fake/python/bin/python",
        "version": "3.13.0",
        "sitePackages": "lib/python3.13/site-packages",
        "pythonOnBuildForHost": {"interpreter": "/fake/python-of-the-builder/bin/python"},
    }
    return found


def put(folder: Path, plan: Plan, files: Mapping[str, str] | None = None, pins: object = None) -> Path:
    """Write the files of ``plan`` into ``folder/nix`` with pins; return that folder."""
    nix = folder / "nix"
    nix.mkdir(parents=True, exist_ok=True)
    for name, text in (files or texts(plan)).items():
        (nix / name).write_text(text, encoding="utf-8", newline="")
    pins = (
        pins
        if pins is not None
        else {"hashes": {}, "lock": plan.lock_sha256, "build": {"excludeNewer": "then"}}
    )
    (nix / "python-deps.json").write_text(json.dumps(pins))
    return nix


def read_back(
    stand: Stand, folder: Path, plan: Plan, *, system: str = "x86_64-linux", given: bool = True
) -> dict[str, dict[str, Any]]:
    """The attributes of the three derivations as Nix evaluates them.

    ``given``: the hash is given and the lock not checked, as update-hash does it.
    """
    found = stand.evaluate(_reading(folder, plan, system, given))
    assert isinstance(found, dict)
    return found


def read_back_all(stand: Stand, plans: Mapping[Path, Plan]) -> list[dict[str, dict[str, Any]]]:
    """The same of several plans, each in a folder of its own, by one evaluation."""
    read = " ".join(f"({_reading(folder, plan, 'x86_64-linux', True)})" for folder, plan in plans.items())
    found = stand.evaluate(f"[ {read} ]")
    assert isinstance(found, list)
    return found


def _reading(folder: Path, plan: Plan, system: str, given: bool) -> str:
    """Write what has to be read into ``folder``; return the expression that reads it."""
    nix = put(folder, plan)
    (folder / "fake.nix").write_text(render_file(value(fake_packages(plan))))
    (folder / "read.nix").write_text(READ_BACK)
    arguments = {
        "system": f'"{system}"',
        "hash": f'"{FAKE_HASH}"' if given else "null",
        "lock": "true" if given else "false",
        "folder": str(nix),
        "attrs": str(folder / "fake.nix"),
    }
    listed = " ".join(f"{name} = {text};" for name, text in arguments.items())
    return f"import {folder}/read.nix {{ {listed} }}"
