"""What is compiled has the same bytes in deps, however long the names of the libraries in the store are."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.e2e.conftest import uvlock2nix
from tests.support.stand import REPO, Stand

pytestmark = [pytest.mark.stand, pytest.mark.network]

NOWHERE = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
# Also libz under a different name in the store, as a newer nixpkgs would have it: longer by a few letters.
PACKAGES = """
let
  pkgs = import <nixpkgs> { overlays = [ (import OVERLAY) ]; };
  renamed = pkgs.runCommand "zlib-1.3.100-with-a-longer-name" { } ''
    mkdir -p $out/lib
    cp -r ${pkgs.zlib.dev}/include $out/include
    cp -P ${pkgs.zlib}/lib/*.so* $out/lib/
  '';
""".replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))
SOURCE = """\
#include <Python.h>
#include <zlib.h>
static PyObject *version(PyObject *self, PyObject *none) { return PyUnicode_FromString(zlibVersion()); }
static PyMethodDef methods[] = {{"version", version, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "narrow", "", -1, methods};
PyMODINIT_FUNC PyInit_narrow(void) { return PyModule_Create(&module); }
"""
# The build runs what it has just linked, as some packages do: without an RPATH it must find its library.
SETUP = """\
import os, subprocess, sys, sysconfig
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
class Build(build_ext):
    def run(self):
        super().run()
        code = "import narrow; print('libz', narrow.version())"
        subprocess.run([sys.executable, "-c", code], cwd=self.build_lib, check=True)
setup(cmdclass={"build_ext": Build}, ext_modules=[Extension("narrow", ["narrow.c"], libraries=["z"])])
"""
BUILD_SYSTEM = """\
[build-system]
requires = ["setuptools>=70"]
build-backend = "setuptools.build_meta"
[project]
name = "narrow"
version = "1.0"
"""


@pytest.fixture(scope="module")
def project(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose one dependency is an sdist that links libz; generated."""
    root = tmp_path_factory.mktemp("layout")
    about = "Metadata-Version: 2.2\nName: narrow\nVersion: 1.0\n"
    with tarfile.open(root / "narrow-1.0.tar.gz", "w:gz") as archive:
        for name, text in (
            ("narrow.c", SOURCE),
            ("setup.py", SETUP),
            ("PKG-INFO", about),
            ("pyproject.toml", BUILD_SYSTEM),
        ):
            member = tarfile.TarInfo(f"narrow-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    (root / "pyproject.toml").write_text(
        '[project]\nname = "layout"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["narrow"]\n'
        '[tool.uv]\npackage = false\n[tool.uv.sources]\nnarrow = { path = "narrow-1.0.tar.gz" }\n'
        '[tool.uvlock2nix]\npython = "3.13"\n[tool.uvlock2nix.native.narrow]\nbuild-inputs = ["zlib"]\n'
    )
    uv = shutil.which("uv", path=f"{REPO / '.venv' / 'bin'}:/usr/local/bin:/usr/bin")
    assert uv is not None
    subprocess.run([uv, "lock", "--quiet", "--no-python-downloads"], cwd=root, check=True)
    done = uvlock2nix(stand, "generate", root)
    assert done.returncode == 0, done.stderr
    return root


def deps(project: Path, arguments: str) -> str:
    return f"{PACKAGES} deps = pkgs.callPackage {project}/nix/python-deps.nix {{ {arguments} }};"


def hash_of(stand: Stand, project: Path, arguments: str) -> str:
    """The hash of deps, built with ``arguments`` and no hash that could serve it."""
    code = deps(project, f'outputHash = "{NOWHERE}"; {arguments}') + " in deps"
    done = stand.run(["nix-build", "--no-out-link", "-E", code], check=False)
    found = re.search(r"got:\s+(sha256-\S+)", done.stderr)
    assert found is not None, done.stderr[-3000:]
    return found[1]


@pytest.mark.slow
def test_names_of_libraries_change_nothing(stand: Stand, project: Path) -> None:
    shorter = hash_of(stand, project, "skipLockCheck = true;")
    longer = hash_of(stand, project, "skipLockCheck = true; zlib = renamed;")
    assert longer == shorter
    # And env has the Python that it is given: its file names none, the manifest of deps does.
    for arguments, folder in (("", "${pkgs.zlib}"), ("zlib = renamed;", "${renamed}")):
        made = deps(project, f'outputHash = "{shorter}"; skipLockCheck = true; {arguments}')
        env = f"pkgs.callPackage {project}/nix/python-env.nix {{ python-deps = deps; }}"
        out = stand.run(["nix-build", "--no-out-link", "-E", f"{made} in {env}"]).stdout.split()[0]
        wanted = stand.evaluate(f'{made} in "{folder}"')
        (module,) = stand.path(out).glob("lib/python3.*/site-packages/narrow*.so")
        printed = subprocess.run(
            ["patchelf", "--print-rpath", module], capture_output=True, text=True, check=True
        )
        assert printed.stdout.strip().split(":")[0] == f"{wanted}/lib"
        stored = stand.run(["nix-store", "--query", "--references", out]).stdout.split()
        assert wanted in stored


def test_another_library_is_another_name(stand: Stand, project: Path) -> None:
    """The hash may be the same; the name says what compiled it, so that nothing stale is ever served."""
    names = [
        stand.evaluate(
            deps(project, f'outputHash = "{NOWHERE}"; skipLockCheck = true; {more}') + " in deps.name"
        )
        for more in ("", "zlib = renamed;")
    ]
    assert names[0] != names[1]
