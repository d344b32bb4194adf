"""One lock: where the hash must be the same, and where the name must differ."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from benchmarks import same_hash
from tests.e2e.conftest import copy_fixture, uvlock2nix
from tests.support.packages import make_sdist
from tests.support.stand import REPO, Stand, require_stand
from uvlock2nix.nar import FAKE_HASH

# What deps is called with a package set in which the library `changed` is a different version.
NAME = """
{ dir, changed }:
let
  three = { outputs = [ "out" "dev" "bin" ]; };
  other = final: prev: if changed == "" then { } else {
    ${changed} = prev.runCommand "${changed}-99.9" three "mkdir $out $dev $bin";
  };
  pkgs = import <nixpkgs> { overlays = [ (import OVERLAY) other ]; };
  unpinned = { outputHash = pkgs.lib.fakeHash; skipLockCheck = true; };
in
(pkgs.callPackage (/. + dir + "/nix/python-deps.nix") unpinned).name
""".replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))
PINNED = """
{ dir }:
(import <nixpkgs> { overlays = [ (import OVERLAY) ]; }).callPackage (/. + dir + "/nix/python-deps.nix") { }
""".replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))
SETUP = """
from setuptools import Extension, setup
setup(name="linked", version="1.0", ext_modules=[Extension("linked", ["x.c"], libraries=["xml2"])])
"""
LOCK = """version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "linked" }}]

[package.metadata]
requires-dist = [{{ name = "linked", path = "linked-1.0.tar.gz" }}]

[[package]]
name = "linked"
version = "1.0"
source = {{ path = "linked-1.0.tar.gz" }}
sdist = {{ hash = "sha256:{digest}" }}
"""
PROJECT = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["linked"]
[tool.uv]
package = false
[tool.uv.sources]
linked = { path = "linked-1.0.tar.gz" }
[tool.uvlock2nix]
python = "3.13"
[tool.uvlock2nix.native.linked]
build-inputs = ["libxml2"]
"""


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a Linux machine")
def test_every_uv_gives_the_same_hash(tmp_path: Path) -> None:
    """Wheels only: the first uv that can do it and the last of each minor version that nixpkgs had."""
    found = {}
    for version in same_hash.UVS:
        place = tmp_path / version
        uv = same_hash.install_uv(version, place / "uv")
        assert f"uv {version}" in same_hash.output(uv, "--version")
        python = Path(sys.executable).resolve()
        found[version] = same_hash.sync(REPO / "fixtures" / "wheels-only", uv, python, place)
    assert len(set(found.values())) == 1, found


def name_of_deps(stand: Stand, project: Path, changed: str = "") -> str:
    """Evaluated in this package set, where ``changed`` has a different version."""
    words = ["--argstr", "dir", str(project), "--argstr", "changed", changed]
    done = stand.run(["nix-instantiate", "--eval", "--json", "-E", NAME, *words])
    name = json.loads(done.stdout)
    assert isinstance(name, str)
    return name


@pytest.mark.stand
def test_what_is_compiled_has_another_name_with_another_toolchain(tmp_path: Path) -> None:
    files = {"setup.py": SETUP, "x.c": "int xmlMain;\n"}
    sdist = make_sdist(tmp_path, "linked", files)
    (tmp_path / "uv.lock").write_text(LOCK.format(digest=hashlib.sha256(sdist.read_bytes()).hexdigest()))
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    forky, trixie = require_stand("forky"), require_stand("trixie")
    done = uvlock2nix(forky, "generate", tmp_path, "--system", "x86_64-linux")
    assert done.returncode == 0, done.stderr
    first = name_of_deps(forky, tmp_path)
    assert first == name_of_deps(forky, tmp_path)
    key, toolchain = first.removeprefix("app-python-deps-").split("-")
    assert (len(key), len(toolchain)) == (32, 16)
    others = {name_of_deps(trixie, tmp_path), name_of_deps(forky, tmp_path, "libxml2")}
    # The key of what is locked stays; the compiler's and the library's part does not.
    assert len({first, *others}) == 3
    assert all(name.startswith(f"app-python-deps-{key}-") for name in others)
    # A library that nothing links changes nothing.
    assert name_of_deps(forky, tmp_path, "lz4") == first


@pytest.mark.stand
def test_a_hash_of_another_toolchain_is_used_with_a_warning(tmp_path: Path) -> None:
    sdist = make_sdist(tmp_path, "linked", {"setup.py": SETUP, "x.c": "int xmlMain;\n"})
    (tmp_path / "uv.lock").write_text(LOCK.format(digest=hashlib.sha256(sdist.read_bytes()).hexdigest()))
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    forky = require_stand("forky")
    done = uvlock2nix(forky, "generate", tmp_path, "--system", "x86_64-linux")
    assert done.returncode == 0, done.stderr
    key = name_of_deps(forky, tmp_path).removeprefix("app-python-deps-")
    pins = tmp_path / "nix" / "python-deps.json"
    raw = json.loads(pins.read_text())

    def evaluated(key: str) -> str:
        pin = {"hash": FAKE_HASH.sri, "key": key, "nixpkgs": {"version": "25.05.1.abcdef0"}}
        pins.write_text(json.dumps({**raw, "hashes": {"x86_64-linux": pin}}))
        return forky.run(["nix-instantiate", "-E", PINNED, "--argstr", "dir", str(tmp_path)]).stderr

    assert "evaluation warning" not in evaluated(key)
    warned = evaluated(key.partition("-")[0] + "-0123456789abcdef")
    assert (
        "the hash was made with nixpkgs 25.05.1.abcdef0; packages compiled with 25.11stand may differ"
        in warned
    )
    assert "run: uvlock2nix update-hash" in warned


@pytest.mark.stand
def test_wheels_alone_have_one_name_with_every_toolchain(tmp_path: Path) -> None:
    project = copy_fixture("wheels-only", tmp_path)
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + '\n[tool.uvlock2nix]\npython = "3.13"\n')
    forky, trixie = require_stand("forky"), require_stand("trixie")
    done = uvlock2nix(forky, "generate", project, "--system", "x86_64-linux")
    assert done.returncode == 0, done.stderr
    version = "(import <nixpkgs> { }).python313.version"
    assert forky.evaluate(version) != trixie.evaluate(version)
    names = {name_of_deps(stand, project) for stand in (forky, trixie)}
    names |= {name_of_deps(forky, project, library) for library in ("libxml2", "zlib")}
    assert len(names) == 1
