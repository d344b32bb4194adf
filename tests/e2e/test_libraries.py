"""Libraries opened by name, and scripts with foreign interpreters: in a sandbox without both."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.e2e.conftest import Built, copy_fixture, go, uvlock2nix
from tests.support.packages import record_faults
from tests.support.stand import REPO, Stand

pytestmark = [pytest.mark.stand, pytest.mark.network]


@pytest.fixture(scope="module")
def built(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return go(stand, copy_fixture("libraries", tmp_path_factory.mktemp("libraries")))


def test_every_library_is_found_however_python_starts(built: Built) -> None:
    """In this process, a fork, a spawned process, and one without any environment variable."""
    code = f"""
      with import <nixpkgs> {{ }};
      runCommand "libraries" {{ package = builtins.storePath {built.package}; }} ''
        export HOME=$TMPDIR
        test ! -e /usr/bin/python3 -o ! -e /usr/lib/x86_64-linux-gnu/libmagic.so.1
        $package/bin/libraries-by-name > $out
      ''
    """
    out = built.stand.nix_build(code)
    said = built.host(out).read_text().splitlines()
    names = ["cairocffi", "pyudev", "pyusb", "python-magic", "pyzbar", "soundfile", "weasyprint"]
    found = {line.partition(" ")[0]: line.partition(" ")[2] for line in said}
    assert [name for name in names if name in found] == names
    assert (found["pyusb"], found["bare"], found["spawn"]) == ("_LibUSB", "7", "7")
    assert found["hello"] == "from bash"
    assert built.venv in said


def test_the_map_names_store_paths_and_records_are_right(built: Built) -> None:
    (env,) = built.host(built.env).glob("lib/python3.*/site-packages")
    text = (env / "_uvlock2nix_paths.py").read_text()
    assert '"magic": "/nix/store/' in text
    assert "/usr/lib" not in text
    ours = ("_uvlock2nix_", "__pycache__")
    assert [fault for fault in record_faults(env) if not any(name in fault for name in ours)] == []


MAIN = """
import ctypes.util
import os


def main():
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gio, GLib, Gst

    print(GLib.markup_escape_text("<"), Gio.File.new_for_path("/x").get_path(), Gst.version()[0])
    print(os.path.basename(ctypes.CDLL(ctypes.util.find_library("usb-1.0"))._name).partition(".so")[0])
    print(os.environ.get("GI_TYPELIB_PATH"))
"""
PYPROJECT = """
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["greeter", "pygobject==3.56.3"]
[project.scripts]
app = "app:main"
[build-system]
requires = ["uv_build>=0.8"]
build-backend = "uv_build"
[tool.uv.sources]
greeter = { path = "greeter-1.0.tar.gz" }
[tool.uvlock2nix]
python = "3.13"
"""
GREETER = {
    "PKG-INFO": "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n",
    "pyproject.toml": '[project]\nname = "greeter"\nversion = "1.0"\n'
    '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
    '[tool.setuptools]\nscript-files = ["greet"]\npy-modules = []\n',
    "greet": '#!/usr/bin/gawk -f\nBEGIN { print "hello from awk" }\n',
}


@pytest.fixture(scope="module")
def typelibs(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A project that uses GObject libraries, and an sdist with a script that gawk runs."""
    project = tmp_path_factory.mktemp("typelibs")
    with tarfile.open(project / "greeter-1.0.tar.gz", "w:gz") as archive:
        for name, text in GREETER.items():
            member = tarfile.TarInfo(f"greeter-1.0/{name}")
            member.size, member.mode = len(text), 0o755 if text.startswith("#!") else 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    (project / "src" / "app").mkdir(parents=True)
    (project / "src" / "app" / "__init__.py").write_text(MAIN)
    (project / "pyproject.toml").write_text(PYPROJECT)
    subprocess.run([Path(sys.executable).parent / "uv", "lock", "--quiet"], cwd=project, check=True)
    return go(stand, project)


def test_gobject_libraries_are_found_by_their_typelibs(typelibs: Built) -> None:
    """GLib's by the table, GStreamer's because the code asks for it, and libusb, which it opens by name.

    The environment stays as it was.
    """
    code = f"""
      with import <nixpkgs> {{ }};
      runCommand "typelibs" {{ package = builtins.storePath {typelibs.package}; }} ''
        $package/bin/app > $out
        GI_TYPELIB_PATH=/mine $package/bin/app | tail -n 1 >> $out
      ''
    """
    said = typelibs.host(typelibs.stand.nix_build(code)).read_text().splitlines()
    assert said == ["&lt; /x 1", "libusb-1.0", "None", "/mine"]
    # In the development shell, where .venv is uv's, a variable has them.
    shell = f"""
      let overlay = import {REPO}/nix/overlay.nix; pkgs = import <nixpkgs> {{ overlays = [ overlay ]; }};
      in ((import {REPO}/nix/lib {{ inherit overlay; }}).mkApplication {{
        inherit pkgs; files = {typelibs.project}/nix;
      }}).devShell.shellHook
    """
    hook = typelibs.stand.run(["nix-instantiate", "--eval", "-E", shell]).stdout
    assert "export GI_TYPELIB_PATH=" in hook
    assert hook.count("/lib/girepository-1.0") == 4


def test_a_program_that_only_the_build_shows_becomes_an_input_of_env(typelibs: Built) -> None:
    text = (typelibs.project / "nix" / "python-env.nix").read_text()
    assert "gawk # greeter" in text
    code = f"""
      with import <nixpkgs> {{ }};
      runCommand "greet" {{ venv = builtins.storePath {typelibs.venv}; }} "$venv/bin/greet > $out"
    """
    assert typelibs.host(typelibs.stand.nix_build(code)).read_text() == "hello from awk\n"
    # It stays so, for who has the pins.
    assert uvlock2nix(typelibs.stand, "check", typelibs.project).returncode == 0
    assert uvlock2nix(typelibs.stand, "generate", typelibs.project).returncode == 0
    assert (typelibs.project / "nix" / "python-env.nix").read_text() == text
