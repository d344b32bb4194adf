"""What Python code opens by name, read from its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvlock2nix.inspect.opened import opened_in_tree
from uvlock2nix.knowledge.libraries import typelib_attributes


def opened(folder: Path, text: str, *, typelibs: bool = True) -> tuple[list[str], tuple[str, ...]]:
    (folder / "app").mkdir()
    (folder / "app" / "main.py").write_text(text)
    found = opened_in_tree(folder, typelibs=typelibs)
    return sorted(found.attributes), found.unknown


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("ctypes.util.find_library('magic')", ["file"]),
        ('lib = CDLL(find_library(\n    "usb-1.0"))', ["libusb1"]),
        ("ctypes.CDLL('libsodium.so.23', mode=1)", ["libsodium"]),
        ("cdll.LoadLibrary('/usr/lib/libudev.so.1')", ["udev"]),
        ('ffi.dlopen("libcairo.so.2")', ["cairo"]),
        # libc is there; a variable, an unknown name and a name of Windows say nothing.
        ("CDLL('libc.so.6'); find_library(name); find_library('no-such-library'); CDLL('user32.dll')", []),
        ("my_dlopen('libcairo.so.2'); find_library_of('magic')", []),
        # The driver's, which nixpkgs does not have.
        ("CDLL('libcuda.so.1')", []),
    ],
)
def test_libraries(tmp_path: Path, text: str, attributes: list[str]) -> None:
    assert opened(tmp_path, text) == (attributes, ())


DOCSTRING = """
def f():
    '''As in
    ``CDLL('libsodium.so.23')``.
    '''
    find_library('magic')
"""
COMMENTS = """
'CDLL("libodd.so.3")'
x = "y"  # CDLL('libodd.so.3')
find_library(  # CDLL('libodd.so.3')
    'magic')
"""


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        (DOCSTRING, ["file"]),
        (COMMENTS, ["file"]),
        # Not tokenised: all counts.
        ("# CDLL('libsodium.so.23')\n'''", ["libsodium"]),
    ],
)
def test_comments_and_docstrings_do_not_count(tmp_path: Path, text: str, attributes: list[str]) -> None:
    assert opened(tmp_path, text) == (attributes, ())


REQUIRES_GST = "gi.require_version('Gst', '1.0')\nfrom gi.repository import GLib, Gst"


@pytest.mark.parametrize(
    ("text", "attributes", "unknown"),
    [
        (REQUIRES_GST, ["glib", "gst_all_1.gstreamer"], ()),
        ("from gi.repository import (\n    Gio,  # files, and more\n    GObject as G,\n)\n", ["glib"], ()),
        (
            "gi.require_version('Foo', '2.0')\nfrom gi.repository import Foo, Bar",
            [],
            ("typelib Foo-2.0", "typelib Bar"),
        ),
    ],
)
def test_typelibs(tmp_path: Path, text: str, attributes: list[str], unknown: tuple[str, ...]) -> None:
    assert opened(tmp_path, text) == (attributes, unknown)


def test_files_with_a_version_that_no_table_has_are_reported(tmp_path: Path) -> None:
    text = "CDLL('libodd.so.3'); CDLL('libown.so'); CDLL('libnvidia-ml.so.1'); CDLL('libm.so.6')"
    assert opened(tmp_path, text) == ([], ("libodd.so.3",))


def test_typelibs_count_only_with_pygobject(tmp_path: Path) -> None:
    assert opened(tmp_path, REQUIRES_GST, typelibs=False) == ([], ())


def test_names_without_a_version_follow_what_is_required() -> None:
    old, _ = typelib_attributes(["Gtk-3.0"], ["Gtk", "Gdk", "Pango"])
    assert "gtk3" in old
    assert "gtk4" not in old
    # PyGObject takes the newest.
    new, _ = typelib_attributes([], ["Gdk"])
    assert "gtk4" in new
    assert "gtk3" not in new


def test_tests_and_other_packages_do_not_count(tmp_path: Path) -> None:
    for place in ("tests/test_a.py", "docs/conf.py", "inner/src/x.py", "data/x.txt"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text("find_library('magic')")
    assert not opened_in_tree(tmp_path, typelibs=False, without=[tmp_path / "inner"]).attributes
    assert opened_in_tree(tmp_path, typelibs=False).attributes == {"file": "magic"}
