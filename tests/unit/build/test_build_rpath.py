"""Linking without an RPATH: what the linker is called with, and what is written down instead."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.refs import make_elf, store_path
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.rpath import library_folders, linked_libraries, without_rpath
from uvlock2nix.build.values import BuildContext
from uvlock2nix.layout import BUILD_REQUIRES
from uvlock2nix.lock import Selection
from uvlock2nix.refs.linked import Linked
from uvlock2nix.refs.store import Keys
from uvlock2nix.sync.core import _libraries
from uvlock2nix.sync.request import SyncRequest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Mach-O files have no RPATH of this kind")


def test_the_linker_is_told(tmp_path: Path) -> None:
    env = {
        "NIX_CC": "/cc",
        "NIX_STORE": str(tmp_path),
        "NIX_LDFLAGS": f"-rpath {tmp_path}/out/lib -L{tmp_path}/a/lib -L {tmp_path}/b/lib -L/usr/lib -O1",
        "LD_LIBRARY_PATH": "/mine",
    }
    assert library_folders(env) == (f"{tmp_path}/a/lib", f"{tmp_path}/b/lib")
    changed = without_rpath(env, [f"{tmp_path}/c/lib", f"{tmp_path}/a/lib"])
    assert changed["NIX_DONT_SET_RPATH"] == "1"
    assert changed["NIX_LDFLAGS"] == f"-L{tmp_path}/a/lib -L {tmp_path}/b/lib -L/usr/lib -O1"
    assert changed["LD_LIBRARY_PATH"].split(":") == [*(f"{tmp_path}/{x}/lib" for x in "abc"), "/mine"]


def test_without_nixpkgs_compiler_nothing_changes() -> None:
    env = {"NIX_LDFLAGS": "-rpath /nix/store/x/lib -L/nix/store/x/lib", "LDFLAGS": "-L/usr/lib"}
    assert without_rpath(env) == env
    assert library_folders(env) == ()
    assert without_rpath({"NIX_CC": "/cc"}) == {"NIX_CC": "/cc", "NIX_DONT_SET_RPATH": "1", "NIX_LDFLAGS": ""}


def test_what_is_written_down(tmp_path: Path) -> None:
    store, root = tmp_path / "store", tmp_path / "deps"
    known, other = store_path("libxml2-2.13.8"), store_path("icu4c-76.1")
    for path, names in ((known, ["libxml2.so.2", "both.so"]), (other, ["libicuuc.so.76", "both.so"])):
        (store / path.base / "lib").mkdir(parents=True)
        for name in names:
            (store / path.base / "lib" / name).touch()
    site = root / "lib/python3.13/site-packages/lxml"
    site.mkdir(parents=True)
    needed = [b"libc.so.6", b"both.so", b"libicuuc.so.76"]
    (site / "etree.so").write_bytes(make_elf(needed=needed))
    (site / "other.so").write_bytes(make_elf(needed=[b"libxml2.so.2", b"$ORIGIN/libicuuc.so.76"]))
    (site / "broken.so").write_bytes(make_elf(needed=needed)[:90])
    (site / "etree.py").write_text("libicuuc.so.76")
    (site / "link.so").symlink_to("etree.so")
    names = [f"lib/python3.13/site-packages/lxml/{path.name}" for path in site.iterdir()]
    folders = {"lxml": (f"{store}/{known.base}/lib", f"{store}/{other.base}/lib"), "alone": ()}
    keys = Keys([known, other], {"libxml2": f"{store}/{known.base}"}, store_dir=str(store))
    found = linked_libraries(root, {"lxml": [*names, "gone.so"]}, folders, keys, str(store))
    place = "lib/python3.13/site-packages/lxml"
    assert found == (
        # The first folder that has `both.so` is the linker's, the second one has what is left.
        Linked(f"{place}/etree.so", "libxml2", "lib"),
        Linked(f"{place}/etree.so", "icu4c", "lib"),
        Linked(f"{place}/other.so", "libxml2", "lib"),
    )


def test_what_builds_the_projects_own_packages_too(tmp_path: Path) -> None:
    store, out = tmp_path / "store", tmp_path / "deps"
    zlib = store_path("zlib-1.3.1")
    (store / zlib.base / "lib").mkdir(parents=True)
    (store / zlib.base / "lib" / "libz.so.1").touch()
    site = out / "lib/python3.13/site-packages"
    place = out / BUILD_REQUIRES / "member"
    for folder in (site, place):
        (folder / "a-1.dist-info").mkdir(parents=True)
        (folder / "a-1.dist-info" / "RECORD").write_text("a.so,,\n")
        (folder / "a.so").write_bytes(make_elf(needed=[b"libz.so.1"]))
    env = {"NIX_CC": "/cc", "NIX_STORE": str(store), "NIX_LDFLAGS": f"-L{store}/{zlib.base}/lib"}
    context = BuildContext(Runner(), "uv", Path("/python"), tmp_path / "context", env, None)
    selection = Selection()
    request = SyncRequest(tmp_path, out, tmp_path, Path("/python"), selection, "x86_64-linux", "3.13")
    assert _libraries(request, site, context, ["member"]) == (
        Linked(f"{BUILD_REQUIRES}/member/a.so", "zlib", "lib"),
    )
    compiled = replace(context, folders={"a": (f"{store}/{zlib.base}/lib",)})
    assert [one.file for one in _libraries(request, site, compiled, [])] == [
        "lib/python3.13/site-packages/a.so"
    ]
    nothing = replace(context, env={"NIX_CC": "/cc"})
    assert _libraries(request, site, nothing, ["member"]) == ()
