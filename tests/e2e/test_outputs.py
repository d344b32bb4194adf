"""What a flake offers of a project besides programs: wheel, sdist, bill of materials, tests, tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.e2e.conftest import copy_fixture
from tests.support.flakes import FLAKES, nixpkgs_flake, own_flake
from tests.support.stand import REPO, require_stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

UV = Path(sys.executable).with_name("uv")

TABLE = """
[dependency-groups]
test = ["idna==3.11"]

[tool.uvlock2nix]
python = "3.13"
system = "x86_64-linux"
mode = "files"
check = "python -m unittest"
check-group = "test"

[tool.uvlock2nix.service]
manage = ["hello-uv"]
"""
TEST = """
import unittest

class Test(unittest.TestCase):
    def test(self):
        import hello_uv, idna
        self.assertIn("EXPECTED", idna.__version__)
"""
EXPRESSION = """
let
  flake = builtins.getFlake "path:PROJECT";
  package = flake.packages.x86_64-linux.hello-uv;
in
{
  more = package.venv.override {
    extraPackages = [ package.python.pkgs.click flake.packages.x86_64-linux.check-venv ];
  };
  program = flake.inputs.nixpkgs.lib.getExe package;
  source = "${package.src}/pyproject.toml";
  path = package.pythonPath;
}
"""


def test_outputs_of_a_flake(tmp_path: Path) -> None:
    stand = require_stand("forky")
    project = copy_fixture("hello", tmp_path)
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + TABLE)
    (project / "tests").mkdir()
    (project / "tests" / "__init__.py").touch()
    (project / "tests" / "test_it.py").write_text(TEST.replace("EXPECTED", "3.11"))
    (project / "scripts").mkdir()
    task = project / "scripts" / "greet.py"
    task.write_text("#!/usr/bin/env python\nimport sys, hello_uv\nprint('task', *sys.argv[1:])\n")
    task.chmod(0o755)
    subprocess.run([UV, "lock", "-q", "--directory", project], check=True)
    flags = [f"--flake-url=path:{own_flake(tmp_path / 'own')}"]
    flags += [f"--nixpkgs-url=path:{nixpkgs_flake(tmp_path / 'nixpkgs')}"]
    subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "init", project, "--yes", *flags],
        cwd=REPO,
        env=stand.env(),
        check=True,
        stdin=subprocess.DEVNULL,
    )
    flake = project / "flake.nix"
    flake.write_text(flake.read_text().replace("files = ./nix;", "files = ./nix;\n    tasks = ./scripts;"))

    def nix(*words: str) -> str:
        return stand.run(["nix", *words], env=FLAKES, cwd=project).stdout

    def built(*words: str) -> Path:
        paths = nix("build", "--impure", "--no-link", "--print-out-paths", *words).split()
        return stand.path(paths[-1])

    at = f"path:{project}"
    wheel = built(f"{at}#wheel")
    assert [one.name for one in wheel.iterdir()] == ["hello_uv-1.0.0-py3-none-any.whl"]
    assert "hello_uv/__init__.py" in zipfile.ZipFile(next(wheel.iterdir())).namelist()
    assert [one.name for one in built(f"{at}#sdist").iterdir()] == ["hello_uv-1.0.0.tar.gz"]
    bill = built(f"{at}#sbom").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    names = {one["name"]: one["licenses"] for one in json.loads(bill)["components"] if "licenses" in one}
    assert names == {"humanize": [{"license": {"name": "MIT"}}]}
    assert nix("run", "--impure", f"{at}#greet", "--", "a b").strip() == "task a b"
    assert (
        nix("run", "--impure", f"{at}#hello-uv-manage", "--", "1000").strip()
        == nix("run", "--impure", at, "1000").strip()
    )
    # The project's own tests, and that they can fail.
    check = f"{at}#checks.x86_64-linux.check-python"
    built(check)
    (project / "tests" / "test_it.py").write_text(TEST.replace("EXPECTED", "9.9"))
    failed = stand.run(["nix", "build", "--impure", "--no-link", "-L", check], env=FLAKES, check=False)
    assert failed.returncode != 0
    assert "'9.9' not found in '3.11'" in failed.stderr, failed.stderr
    # What people write in their own files.
    (tmp_path / "x.nix").write_text(EXPRESSION.replace("PROJECT", str(project)))
    facts = {
        name: nix("eval", "--impure", "--raw", "-f", f"{tmp_path}/x.nix", name)
        for name in ("program", "path")
    }
    assert facts["program"].endswith("-hello-uv-1.0.0/bin/hello-uv")
    assert facts["path"].endswith("-hello-uv-1.0.0-venv/lib/python3.13/site-packages")
    more = built("-f", f"{tmp_path}/x.nix", "more")
    script = "import click, idna, humanize; print(idna.__version__)"
    assert (
        stand.run([f"/{more.relative_to(stand.root)}/bin/python", "-W", "ignore", "-c", script]).stdout
        == "3.11\n"
    )
    assert os.path.lexists(more / "bin" / "hello-uv")
    # As people name a project of others: a git repository, or an archive that a server has (what github: is).
    expected = nix("run", "--impure", at, "1000")
    with references(project, tmp_path) as found:
        for reference in found:
            assert nix("run", "--impure", f"{reference}#hello-uv-manage", "--", "1000") == expected
            text = f'(builtins.getFlake "{reference}")'
            system = "packages.x86_64-linux"
            source = nix("eval", "--impure", "--raw", "--expr", f"{text}.{system}.default.src.outPath")
            assert (stand.path(source) / "pyproject.toml").read_text() == toml.read_text()


@contextmanager
def references(project: Path, folder: Path) -> Iterator[tuple[str, ...]]:
    """References to the flake of a project: its repository, and an archive on this machine."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(project)]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (folder / "served").mkdir()
    archive = folder / "served" / "hello.tar.gz"
    subprocess.run([*git, "archive", "--prefix=hello-1/", "-o", archive, "HEAD"], check=True)
    handler = partial(QuietHandler, directory=str(folder / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"git+file://{project}", f"tarball+http://127.0.0.1:{server.server_port}/hello.tar.gz"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder and prints nothing."""

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
