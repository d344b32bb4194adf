"""Fuzz the readers of refs: ELF files and manifests.

``python tests/fuzz/refs_fuzz.py elf|manifest|tree [libFuzzer arguments]`` needs atheris in a venv of its own;
the corpus is made here. Anything but our own errors is a finding, and so is a tree that changed while we
refused.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.refs import make_elf, snapshot, store_path
from uvlock2nix.errors import Uvlock2nixError
from uvlock2nix.refs import restore, strip
from uvlock2nix.refs.elf import CorruptElf, ElfFile, bytes_reader
from uvlock2nix.refs.elfusers import other_users
from uvlock2nix.refs.manifest import parse_manifest
from uvlock2nix.refs.replace import place
from uvlock2nix.refs.resolve import effective_runpath

PATHS = tuple(store_path(name) for name in ("zlib-1.3.1", "glibc-2.40-66", "deps-1"))
TEXT = b"/nix/store/" + PATHS[0].base.encode() + b"/lib"
INPUTS = {"out": f"/nix/store/{PATHS[2].base}", "zlib": f"/nix/store/{PATHS[0].base}"}


def elf_seeds() -> list[bytes]:
    """Small files of every class and byte order, with both hash tables, merged strings, versions."""
    return [
        make_elf(
            bits=bits,
            order=order,
            machine=machine,
            runpath=TEXT + b":$ORIGIN",
            rpath=b"/nix/store/" + PATHS[1].base.encode() if gnu else None,
            needed=[b"libz.so.1"],
            soname=b"libx.so",
            symbols=[b"PyInit_x", b"lib", b"ORIGIN"],
            interpreter=b"/nix/store/" + PATHS[1].base.encode() + b"/lib/ld.so" if gnu else None,
            rodata=b"\0" + TEXT + b"/x\0",
            merge=True,
            gnu_hash=gnu,
            versions=[(b"libz.so.1", (b"Z_1", b"Z_2"))],
        )
        for bits, order, machine in ((32, "<", 3), (32, ">", 8), (64, "<", 62), (64, ">", 22))
        for gnu in (False, True)
    ]


def manifest_seeds() -> list[bytes]:
    """Manifests with references of every kind."""
    kinds = ("rpath", "interp", "script", "text", "string", "symlink", "name")
    references = [
        {"count": 1, "file": "a.so", "key": "zlib", "kind": kind, "name": "zlib-1.3.1", "room": 9}
        for kind in kinds
    ]
    values: list[object] = [
        {"schema": 1, "references": references, "packages": []},
        {"schema": 1, "references": [], "placeholders": {}},
        {"schema": 2},
        [],
    ]
    return [json.dumps(value).encode() for value in values]


def fuzz_elf(data: bytes) -> None:
    """Read ``data`` as an ELF file, and plan for its search paths."""
    try:
        elf = ElfFile(bytes_reader(data), len(data))
        for runpath in elf.facts.runpaths:
            room = len(runpath.text)
            users = other_users(elf, runpath, room)
            assert data[runpath.offset : runpath.offset + room] == runpath.text
            if users:
                placed = place(runpath.text, b"x" * (room // 2), room - min(users))
                assert placed is None or len(placed) <= room
        effective_runpath(elf.facts)
    except CorruptElf:
        return


def fuzz_manifest(data: bytes) -> None:
    """Read ``data`` as a manifest, and write it again."""
    try:
        manifest = parse_manifest(data, where="manifest")
    except Uvlock2nixError:
        return
    again = parse_manifest(manifest.render(), where="manifest")
    assert again.references == tuple(sorted(manifest.references))


def fuzz_tree(data: bytes) -> None:
    """Strip a tree with the file ``data``, restore it by the manifest ``data``: done, or nothing changed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        tree = Path(folder) / "tree"
        (tree / "lib").mkdir(parents=True)
        (tree / "a.so").write_bytes(data)
        (tree / "b").write_bytes(b"x " + TEXT)
        (tree / "l").symlink_to(os.fsdecode(TEXT))
        before = snapshot(tree)
        manifest = Path(folder) / "manifest.json"
        try:
            strip(tree, store_paths=PATHS, inputs=INPUTS, manifest=manifest)
        except Uvlock2nixError:
            assert snapshot(tree) == before
            return
        stripped = snapshot(tree)
        _restore(tree, Path(folder) / "other.json", data, stripped)
        _restore(tree, manifest, manifest.read_bytes(), stripped)


def _restore(tree: Path, manifest: Path, content: bytes, before: object) -> None:
    manifest.write_bytes(content)
    try:
        restore(tree, inputs=INPUTS, manifest=manifest, others=PATHS, ignore=("*",), grow=_no_grow)
    except Uvlock2nixError:
        assert snapshot(tree) == before


def _no_grow(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
    raise Uvlock2nixError(f"{file}, {runpath!r}, {force}, {interpreter!r}: nothing grows here")


TARGETS = {
    "elf": (fuzz_elf, elf_seeds),
    "manifest": (fuzz_manifest, manifest_seeds),
    "tree": (fuzz_tree, lambda: [*elf_seeds(), *manifest_seeds()]),
}


def _instrument(atheris: ModuleType, home: str, value: object) -> None:
    """Let atheris see the branches of a function or of a class's methods of our own."""
    if getattr(value, "__module__", "") != home:
        return
    functions = vars(value).values() if isinstance(value, type) else [value]
    for function in functions:
        if isinstance(function, FunctionType) and not function.__name__.startswith("__"):
            atheris.instrument_func(function)


def main() -> None:
    """Run one target under atheris."""
    atheris = import_module("atheris")

    name = sys.argv.pop(1)
    target, seeds = TARGETS[name]
    corpus = Path(tempfile.mkdtemp(prefix=f"refs-fuzz-{name}-"))
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    for module in [module for key, module in sys.modules.items() if key.startswith("uvlock2nix.refs")]:
        for value in vars(module).values():
            _instrument(atheris, module.__name__, value)
    atheris.Setup([sys.argv[0], str(corpus), "-max_len=4096", *sys.argv[1:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
