"""Mode `files` in real Nix: a wheel and a source, each in a store path of its own, joined by links."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import copy_fixture, uvlock2nix
from tests.e2e.test_layout import BUILD_SYSTEM, SETUP, SOURCE
from tests.e2e.test_local_packages import FILES, cargo_lock
from tests.support.packages import make_sdist, make_wheel
from tests.support.stand import REPO, Stand

pytestmark = [pytest.mark.stand, pytest.mark.network]

PKGS = f"(import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }})"
PATCH = """\
--- a/narrow.c
+++ b/narrow.c
@@ -1,3 +1,4 @@
 #include <Python.h>
 #include <zlib.h>
+/* patched */
 static PyObject *version(PyObject *self, PyObject *none) { return PyUnicode_FromString(zlibVersion()); }
"""
PYPROJECT = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["narrow", "plain"]
[tool.uv]
package = false
[tool.uv.sources]
narrow = { path = "narrow-1.0.tar.gz" }
plain = { path = "plain-1.0-py3-none-any.whl" }
[tool.uvlock2nix]
mode = "files"
python = "3.13"
expose = ["plain"]
[tool.uvlock2nix.native.narrow]
build-inputs = ["zlib"]
patches = ["./fix.patch"]
"""
PLAIN = "import narrow\ndef main():\n    print('ANSWER', narrow.version())\n"


@dataclass(frozen=True, slots=True)
class Project:
    """A generated project, and how its parts are built."""

    stand: Stand
    root: Path

    def build(self, what: str, arguments: str = "") -> str:
        return self.stand.nix_build(f"({PKGS}.callPackage {self.root}/nix/{what}.nix {{ {arguments} }})")

    def drvs(self, arguments: str = "") -> dict[str, str]:
        """Package → derivation, and env's."""
        deps = f"{PKGS}.callPackage {self.root}/nix/python-deps.nix {{ {arguments} }}"
        env = f"({PKGS}.callPackage {self.root}/nix/python-env.nix {{ }}).drvPath"
        found = self.stand.evaluate(
            f"(builtins.mapAttrs (_: one: one.drvPath) ({deps}).packages) // {{ env = {env}; }}"
        )
        assert isinstance(found, dict)
        return found


def lock(root: Path) -> None:
    uv = REPO / ".venv" / "bin" / "uv"
    subprocess.run([uv, "lock", "--quiet", "--no-python-downloads"], cwd=root, check=True)


def wheel(root: Path, answer: str) -> None:
    code = PLAIN.replace("ANSWER", answer)
    make_wheel(root, "plain", {"plain.py": code}, entry_points="[console_scripts]\nplain = plain:main\n")


@pytest.fixture(scope="module")
def project(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("files") / "app"
    files = {"narrow.c": SOURCE, "setup.py": SETUP, "pyproject.toml": BUILD_SYSTEM}
    make_sdist(root, "narrow", files)
    wheel(root, "first")
    (root / "fix.patch").write_text(PATCH)
    (root / "pyproject.toml").write_text(PYPROJECT)
    lock(root)
    done = uvlock2nix(stand, "generate", root)
    assert done.returncode == 0, done.stderr
    return Project(stand, root)


def ran(project: Project) -> str:
    """What the program says inside a sandbox."""
    package = project.build("package")
    # What is deployed are the packages and one folder of links.
    closure = project.stand.run(["nix-store", "--query", "--requisites", package]).stdout
    assert "-python3.13-plain-" in closure
    assert "-python-env" not in closure
    code = f"""
      with import <nixpkgs> {{ }};
      runCommand "ran" {{ package = builtins.storePath {package}; }} "$package/bin/plain > $out"
    """
    return project.stand.path(project.stand.nix_build(code)).read_text()


def test_it_runs_and_one_change_builds_one_package(project: Project) -> None:
    assert re.fullmatch(r"first 1\..*\n", ran(project))
    before = project.drvs()
    wheel(project.root, "second")
    # uv does not look at a file again that the lock has, and the hash in the lock counts.
    (project.root / "uv.lock").unlink()
    lock(project.root)
    done = uvlock2nix(project.stand, "update-hash", project.root)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    after = project.drvs()
    assert {name for name in before if before[name] != after[name]} == {"plain", "env"}
    assert ran(project).startswith("second ")


def test_a_change_of_the_lock_builds_no_package_of_ones_own(stand: Stand, tmp_path: Path) -> None:
    root = copy_fixture("hello", tmp_path)
    assert uvlock2nix(stand, "generate", root, "--mode", "files").returncode == 0

    def own(attributes: str = "") -> object:
        package = f"(({PKGS}.callPackage {root}/nix/package.nix {{ }}).overrideAttrs {{ {attributes} }})"
        return stand.evaluate(f"{package}.uvPackageLocal.drvPath")

    patched = 'postPatch = "cat uv.lock";'
    before = own(), own(patched)
    lock = root / "uv.lock"
    lock.write_text(lock.read_text() + "\n")
    assert uvlock2nix(stand, "generate", root, "--mode", "files").returncode == 0
    assert own() == before[0]
    # What the user runs may read it.
    assert own(patched) != before[1]
    (root / "src" / "hello_uv" / "new.py").write_text("")
    assert own() != before[0]


OVERRIDE = """
overrides = _final: prev: {
  narrow = prev.narrow.overrideAttrs { postPatch = "grep -q patched narrow.c"; };
};
"""


def test_sources_are_ordinary_derivations(project: Project) -> None:
    """Patched, changed by an overlay, built twice with the same bits, and linked to the given library."""
    drvs, changed = project.drvs(), project.drvs(OVERRIDE)
    assert {name for name in drvs if drvs[name] != changed[name]} == {"narrow"}
    code = f"({PKGS}.callPackage {project.root}/nix/python-deps.nix {{ {OVERRIDE} }}).packages.narrow"
    out = project.stand.nix_build(code)
    project.stand.run(["nix-build", "--check", "--no-out-link", "-E", code])
    zlib = project.stand.evaluate("toString (import <nixpkgs> { }).zlib")
    assert zlib in project.stand.run(["nix-store", "--query", "--references", out]).stdout.split()


def test_verify_says_how(project: Project) -> None:
    done = uvlock2nix(project.stand, "verify", project.root)
    assert done.returncode == 2
    found = re.search(r"run (nix-build .*?), then the same with --check", done.stderr)
    assert found is not None, done.stderr
    argv = shlex.split(found[1])
    project.stand.run(argv)
    project.stand.run([*argv, "--check"])


def test_the_json_serves_derivations_of_ones_own(project: Project) -> None:
    """`importUvLock` with no generated Nix at all."""
    pins = json.loads((project.root / "nix" / "python-deps.json").read_text())
    assert set(pins["packages"]["x86_64-linux"]) == {"narrow", "plain"}
    code = f"""
      with {PKGS};
      (importUvLock {{
        pins = {project.root}/nix/python-deps.json; root = {project.root}; python = python313;
      }}).packages.plain
    """
    out = project.stand.path(project.stand.nix_build(code))
    assert (out / "lib" / "python3.13" / "site-packages" / "plain.py").exists()


INSISTING = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["idna==3.6"]
[tool.uv]
package = false
[tool.uvlock2nix]
mode = "files"
python = "3.13"
[tool.uvlock2nix.nixpkgs]
any-version = ["idna"]
"""


def test_a_package_of_nixpkgs_at_whatever_version(stand: Stand, tmp_path: Path) -> None:
    root = tmp_path / "app"
    root.mkdir()
    (root / "pyproject.toml").write_text(INSISTING)
    lock(root)
    done = uvlock2nix(stand, "generate", root)
    assert done.returncode == 0, done.stderr
    assert "NOT what uv would install, and not checked for compatibility: idna" in done.stderr
    assert "for 3.6" in done.stderr
    site = Path(Project(stand, root).build("python-env")) / "lib" / "python3.13" / "site-packages"
    there = stand.evaluate("(import <nixpkgs> { }).python313.pkgs.idna.version")
    assert isinstance(there, str)
    assert there != "3.6"
    assert f"idna-{there}.dist-info" in stand.run(["ls", site]).stdout.split()


def test_standalone(stand: Stand, tmp_path: Path) -> None:
    """With nixpkgs alone, no overlay of ours, in both modes."""
    root = copy_fixture("hello", tmp_path)
    for mode in ("files", "sync"):
        done = uvlock2nix(stand, "generate", root, "--standalone", f"--mode={mode}")
        assert done.returncode == 0, done.stderr
        done = uvlock2nix(stand, "update-hash", root)
        assert done.returncode == 0, done.stderr
        package = stand.nix_build(f"((import <nixpkgs> {{ }}).callPackage {root}/nix/package.nix {{ }})")
        said = stand.run([f"{package}/bin/hello-uv", "1234567"], cwd=Path("/")).stdout
        assert said.strip() == "hello, 1.2 million"
        shutil.rmtree(root / "nix")


RUST = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["by-cargo"]
[tool.uv]
package = false
[tool.uv.sources]
by-cargo = { path = "vendor/by_cargo-1.3.tar.gz" }
[tool.uvlock2nix]
mode = "files"
python = "3.13"
"""


def test_the_crates_of_a_rust_sdist(stand: Stand, tmp_path: Path) -> None:
    """Its Cargo.lock is written next to the files; its build, offline, finds each crate by its hash."""
    root = tmp_path / "app"
    inside = {path.removeprefix("libs/by-cargo/"): text for path, text in FILES.items() if "by-cargo" in path}
    crates = {"Cargo.lock": cargo_lock(stand)}
    make_sdist(root / "vendor", "by_cargo", {**inside, **crates}, version="1.3")
    (root / "pyproject.toml").write_text(RUST)
    lock(root)
    done = uvlock2nix(stand, "generate", root)
    assert done.returncode == 0, done.stderr
    (written,) = (root / "nix" / "crates").iterdir()
    assert written.read_text() == crates["Cargo.lock"]
    # The sdist is not looked into again.
    assert uvlock2nix(stand, "generate", root, "--check").returncode == 0
    env = Project(stand, root).build("python-env")
    assert stand.run([f"{env}/bin/by-cargo"]).stdout == "42\n"


def test_a_rust_sdist_without_a_lock_is_refused(stand: Stand, tmp_path: Path) -> None:
    root = tmp_path / "app"
    inside = {path.removeprefix("libs/by-cargo/"): text for path, text in FILES.items() if "by-cargo" in path}
    make_sdist(root / "vendor", "by_cargo", inside, version="1.3")
    (root / "pyproject.toml").write_text(RUST)
    lock(root)
    done = uvlock2nix(stand, "generate", root)
    assert done.returncode == 3, done.stderr
    assert "by-cargo: it is built with cargo and needs crates (itoa), but has no Cargo.lock" in done.stderr
    assert "hint: build it in mode `sync`" in done.stderr
