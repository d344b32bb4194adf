"""Libraries that are opened by name are found in the folders that env names, however Python starts."""

from __future__ import annotations

import math  # makes this process map libm
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from uvlock2nix.venv.libraries import linker_names, write_lookup

assert math.pi  # imported for what it maps


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real library under names of its own."""
    maps = Path("/proc/self/maps").read_text()
    (libm,) = sorted(set(re.findall(r"/\S+/libm\.so\.6", maps)))[:1]
    folder = tmp_path_factory.mktemp("lib")
    shutil.copy(libm, folder / "libours.so.1.2.3")
    for name in ("libours.so.1", "libours.so"):
        (folder / name).symlink_to("libours.so.1.2.3")
    return folder


@pytest.fixture(scope="module")
def python(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with that library."""
    root = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    (site,) = root.glob("lib/python3.*/site-packages")
    assert write_lookup(site, [library, root / "not-there"]) == 1
    return root / "bin" / "python"


def said(python: Path, code: str, *flags: str) -> list[str]:
    done = subprocess.run(
        [python, *flags, "-c", code], env={}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_by_its_linker_name_and_by_its_file_name(python: Path, library: Path) -> None:
    code = (
        "import ctypes, ctypes.util as u; print(u.find_library('ours'), u.find_library('libours.so.1'),"
        " ctypes.CDLL('libours.so.1')._name, u.find_library('nobody-has-this'), ctypes.CDLL(None)._name)"
    )
    path = str(library / "libours.so.1")
    assert said(python, code) == [path, path, "libours.so.1", "None", "None"]


def test_the_order_of_imports_does_not_matter(python: Path, library: Path) -> None:
    path = str(library / "libours.so.1")
    assert said(python, "from ctypes.util import find_library; print(find_library('ours'))") == [path]
    assert said(python, "import ctypes.util; print(ctypes.util.find_library('ours'))", "-I") == [path]
    # Who starts Python for something else pays nothing.
    assert said(python, "import sys; print('ctypes' in sys.modules, '_uvlock2nix_paths' in sys.modules)") == [
        "False",
        "False",
    ]


def test_forks_and_spawned_processes_find_it(python: Path, library: Path) -> None:
    code = (
        "import multiprocessing as m, ctypes.util\n"
        "if __name__ == '__main__':\n"
        "  for how in ('fork', 'spawn', 'forkserver'):\n"
        "    with m.get_context(how).Pool(1) as pool:\n"
        "        print(pool.apply(ctypes.util.find_library, ('ours',)))\n"
    )
    assert said(python, code) == [str(library / "libours.so.1")] * 3


def test_modules_look_as_they_would(python: Path) -> None:
    code = (
        "import ctypes, ctypes.util, inspect; print(type(ctypes.__loader__).__name__,"
        " ctypes.__spec__.loader is ctypes.__loader__, len(inspect.getsource(ctypes)) > 1000,"
        " ctypes.util.__spec__.origin == ctypes.util.__file__)"
    )
    assert said(python, code) == ["SourceFileLoader", "True", "True", "True"]


GI = """
import os


class Repository:
    path = ()

    @staticmethod
    def get_default():
        # As libgirepository: the variable is read once.
        Repository.path = Repository.path or os.environ.get("GI_TYPELIB_PATH", "").split(":")
        return Repository
"""


def test_typelibs_are_found_and_child_programs_see_nothing_of_it(library: Path, tmp_path: Path) -> None:
    """GObject libraries are described next to them; a module ``gi`` stands in for PyGObject."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    (site,) = tmp_path.glob("env/lib/python3.*/site-packages")
    described = Path(shutil.copytree(library, tmp_path / "described", symlinks=True))
    (described / "girepository-1.0").mkdir()
    assert write_lookup(site, [library, described]) == 1
    (site / "gi.py").write_text(GI)
    python, typelibs = tmp_path / "env" / "bin" / "python", str(described / "girepository-1.0")
    seen = "import gi, os; print(gi.Repository.get_default().path, os.environ.get('GI_TYPELIB_PATH'))"
    assert said(python, seen) == [f"['{typelibs}']", "None"]
    # What the user has set comes first, and stays for the programs that are started.
    code = f"import os; os.environ['GI_TYPELIB_PATH'] = '/mine'; {seen}"
    assert said(python, code) == ["['/mine',", f"'{typelibs}']", "/mine"]


def test_gi_is_left_alone_where_no_library_has_typelibs(library: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path)], check=True)
    (site,) = tmp_path.glob("lib/python3.*/site-packages")
    write_lookup(site, [library])
    (site / "gi.py").write_text(GI)
    assert said(tmp_path / "bin" / "python", "import gi; print(gi.Repository.path)") == ["()"]


def test_which_of_several_versions_is_meant() -> None:
    files = {name: f"/x/{name}" for name in ("libz.so", "libz.so.1", "libz.so.1.3", "libusb-1.0.so.0")}
    files |= {name: f"/x/{name}" for name in ("libonly.so", "libmac.1.dylib", "libmac.dylib", "libd.so.1.2")}
    assert linker_names(files) == {
        "z": "/x/libz.so.1",
        "usb-1.0": "/x/libusb-1.0.so.0",
        "only": "/x/libonly.so",
        "mac": "/x/libmac.1.dylib",
        "d": "/x/libd.so.1.2",
    }


def test_nothing_is_written_where_there_is_nothing(tmp_path: Path) -> None:
    assert write_lookup(tmp_path, [tmp_path / "none"]) == 0
    assert list(tmp_path.iterdir()) == []
