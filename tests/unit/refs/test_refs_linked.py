"""Search paths that deps' manifest has instead of an RPATH come back at restore."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.refs import store_path
from uvlock2nix.errors import RefsError, ToolError
from uvlock2nix.refs.elf import read_elf
from uvlock2nix.refs.linked import Linked, read_linked
from uvlock2nix.refs.needs import RestoreOptions
from uvlock2nix.refs.patchelf import Grow, run_patchelf
from uvlock2nix.refs.restore import Recorded, Tools, restore
from uvlock2nix.refs.strip import strip
from uvlock2nix.refs.stripped import parse_manifest

# A real one without an RPATH, so that patchelf has something to make longer.
ELF = Path(__file__).parents[3] / "fixtures/elf/markupsafe-manylinux2014_aarch64.so"
ZLIB, ICU = store_path("zlib-1.3.1"), store_path("icu4c-76.1")


def tree_with(tmp_path: Path, libraries: object) -> Path:
    tree = tmp_path / "tree"
    place = tree / "nix-support/uvlock2nix"
    place.mkdir(parents=True)
    shutil.copy(ELF, tree / "m.so")
    (place / "manifest.json").write_text(json.dumps({"schema": 1, "libraries": libraries}))
    return tree


def put_back(
    tree: Path, *, libraries: bool = True, leave: Sequence[str] = (), grow: Grow = run_patchelf
) -> tuple[str, ...]:
    inputs = {"zlib": f"/nix/store/{ZLIB.base}", "icu": f"/nix/store/{ICU.base}"}
    recorded = Recorded(inputs, tree / "nix-support/uvlock2nix/manifest.json", others=[ICU], leave=leave)
    restore(tree, recorded, RestoreOptions(libraries=libraries), tools=Tools(grow=grow))
    with (tree / "m.so").open("rb") as opened:
        facts = read_elf(opened.fileno()).facts
    return tuple(one.text.decode() for one in facts.runpaths)


ENTRIES = [
    {"file": "m.so", "key": "icu4c", "folder": "lib"},
    {"file": "m.so", "key": "zlib", "folder": "lib/sub"},
]
WANTED = f"/nix/store/{ICU.base}/lib:/nix/store/{ZLIB.base}/lib/sub"


@pytest.mark.parametrize("libraries", [True, False])
def test_what_the_linker_would_have_written_comes_back_once(tmp_path: Path, libraries: bool) -> None:
    tree = tree_with(tmp_path, ENTRIES)
    assert put_back(tree, libraries=libraries) == (WANTED,)
    before = (tree / "m.so").read_bytes()
    assert put_back(tree, libraries=libraries) == (WANTED,)
    assert (tree / "m.so").read_bytes() == before


def test_strip_after_restore_keeps_it(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, ENTRIES)
    put_back(tree)
    manifest = tree / "nix-support/uvlock2nix/manifest.json"
    strip(tree, store_paths=[ZLIB, ICU], inputs={"zlib": f"/nix/store/{ZLIB.base}"}, manifest=manifest)
    assert WANTED.encode() not in (tree / "m.so").read_bytes()
    assert put_back(tree) == (WANTED,)


def test_left_keys_are_left_out(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, ENTRIES)
    assert put_back(tree, leave=["icu4c"]) == (f"/nix/store/{ZLIB.base}/lib/sub",)


def test_a_library_that_nothing_stands_for(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, [{"file": "m.so", "key": "openssl", "folder": "lib"}])
    before = (tree / "m.so").read_bytes()
    with pytest.raises(RefsError, match=r"openssl \(for m\.so\)"):
        put_back(tree)
    assert (tree / "m.so").read_bytes() == before


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, [{"file": "gone.so", "key": "zlib", "folder": "lib"}])
    with pytest.raises(RefsError, match=r"gone\.so: the ELF file that the manifest has libraries for"):
        put_back(tree)


@pytest.mark.parametrize(
    "libraries",
    [
        {},
        [1],
        [{"file": "m.so", "key": "zlib"}],
        [{"file": "../m.so", "key": "zlib", "folder": "lib"}],
        [{"file": "m.so", "key": "zlib", "folder": "../../lib"}],
        [{"file": "m.so", "key": "zlib", "folder": "lib:/evil"}],
        [{"file": "m.so", "key": "a b", "folder": "lib"}],
        [{"file": "m.so", "key": "zlib", "folder": ["lib"]}],
    ],
)
def test_another_shape_is_refused(libraries: object) -> None:
    content = json.dumps({"schema": 1, "libraries": libraries}).encode()
    with pytest.raises(RefsError, match=r"here: `?libraries"):
        read_linked(parse_manifest(content, where="here"), where="here")


def test_written_and_read() -> None:
    linked = (Linked("a.so", "zlib", "lib"), Linked("a.so", "openssl.dev", "lib64"))
    content = json.dumps({"schema": 1, "libraries": [one.to_json() for one in linked]}).encode()
    assert read_linked(parse_manifest(content, where="here"), where="here") == linked


def test_one_file_with_two_names_grows_once(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, [*ENTRIES, *({**one, "file": "twin.so"} for one in ENTRIES)])
    os.link(tree / "m.so", tree / "twin.so")
    grown: list[Path] = []

    def grow(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
        grown.append(file)
        run_patchelf(file, runpath, force, interpreter)

    assert put_back(tree, grow=grow) == (WANTED,)
    assert len(grown) == 1
    assert (tree / "m.so").samefile(tree / "twin.so")


def test_patchelf_that_fails_changes_nothing(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, ENTRIES)
    before = (tree / "m.so").read_bytes()

    def fail(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
        file.write_bytes(b"half")
        raise ToolError("patchelf failed")

    with pytest.raises(ToolError):
        put_back(tree, grow=fail)
    assert (tree / "m.so").read_bytes() == before
    assert sorted(path.name for path in tree.iterdir()) == ["m.so", "nix-support"]
