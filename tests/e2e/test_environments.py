"""Two Pythons of one lock in mode `sync`: each has a hash of its own, and builds."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.conftest import copy_fixture, uvlock2nix
from tests.support.stand import REPO, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

TABLE = """
[tool.uvlock2nix]
python = "3.13"
system = "x86_64-linux"
environments.next.python = "3.14"
"""
EXPRESSION = """
let
  pkgs = import <nixpkgs> { overlays = [ (import OVERLAY) ]; };
  library = import LIBRARY { overlay = import OVERLAY; };
  application = library.mkApplication { inherit pkgs; files = FILES; };
in
{
  inherit (application) venv;
  next = application.environments.next.venv;
  names = builtins.attrNames application.checks ++ builtins.attrNames application.apps;
}
"""


def test_two_pythons(tmp_path: Path) -> None:
    stand = require_stand("forky")
    project = copy_fixture("hello", tmp_path)
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + TABLE)
    assert uvlock2nix(stand, "generate", project).returncode == 0
    done = uvlock2nix(stand, "update-hash", project, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, json.loads((REPO / "docs" / "schema" / "update-hash-1.json").read_text()))
    assert set(found["systems"]) == set(found["environments"]["next"]) == {"x86_64-linux"}
    assert found["files"] == ["nix/python-deps.json", "nix/next/python-deps.json"]
    assert uvlock2nix(stand, "check", project).returncode == 0
    assert uvlock2nix(stand, "update-hash", project, "--check").returncode == 0
    file = tmp_path / "application.nix"
    nix = REPO / "nix"
    text = EXPRESSION.replace("OVERLAY", str(nix / "overlay.nix")).replace("LIBRARY", str(nix / "lib"))
    file.write_text(text.replace("FILES", str(project / "nix")))
    names = stand.evaluate(f"(import {file}).names")
    assert names == ["next", "package", "default", "hello-uv", "next", "next-hello-uv"]
    for attribute, version in (("venv", "3.13"), ("next", "3.14")):
        venv = stand.nix_build(str(file), "-A", attribute)
        script = "import sys, humanize, hello_uv; print(*sys.version_info[:2], sep='.')"
        assert stand.run([f"{venv}/bin/python", "-c", script]).stdout.strip() == version
