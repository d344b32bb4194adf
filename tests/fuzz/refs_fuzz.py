"""Fuzz the readers of refs: ELF files and manifests.

``python tests/fuzz/refs_fuzz.py elf|manifest|tree [libFuzzer arguments]`` needs atheris in a venv of its own;
the corpus is made here. Anything but our own errors is a finding, and so is a tree that changed while we
refused, or that is not the same after strip and restore.

Last long run (atheris 3.0.0, pyelftools 0.33, ``-timeout=60 -rss_limit_mb=400``, nice 15 on two busy cores):
manifest 1,000,000 executions in 38 s, elf 288,497 in 181 s, tree 231,045 in 65 min, the last 200,982 of them
without a finding; 101,393, 94,593 and 58,781 more of the tree (nice 19, during other work) without one.
Findings, all of the tree and tests now: an interpreter was put back with zeros over what follows it in its
segment; the CorruptElf of a file whose tables break at restore was reported by no error of ours (twice).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.refs import make_elf, store_path
from uvlock2nix.errors import Uvlock2nixError
from uvlock2nix.refs.elf import CorruptElf, ElfFile, bytes_reader
from uvlock2nix.refs.elfusers import other_users
from uvlock2nix.refs.libraries import effective_runpath
from uvlock2nix.refs.needs import RestoreOptions
from uvlock2nix.refs.replace import place
from uvlock2nix.refs.restore import Recorded, RestoreReport, Tools, restore
from uvlock2nix.refs.strip import strip
from uvlock2nix.refs.stripped import parse_manifest

PATHS = tuple(store_path(name) for name in ("zlib-1.3.1", "glibc-2.40-66", "deps-1"))
TEXT = b"/nix/store/" + PATHS[0].base.encode() + b"/lib"
SPLIT = b"\0manifest\0"
FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()
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


def tree_seeds() -> list[bytes]:
    """ELF files, each with the manifest of its tree behind it."""
    seeds = []
    for seed in elf_seeds():
        with tempfile.TemporaryDirectory() as folder:
            tree = make_tree(Path(folder), seed)
            manifest = Path(folder) / "manifest.json"
            strip(tree, store_paths=PATHS, inputs=INPUTS, manifest=manifest)
            seeds += [seed, seed + SPLIT + manifest.read_bytes()]
    return [*seeds, *(SPLIT + seed for seed in manifest_seeds())]


def make_tree(folder: Path, data: bytes) -> Path:
    """A tree in which ``data`` is a file, with a text, a symlink and a file name that are references."""
    tree = folder / "tree"
    (tree / PATHS[0].hash).mkdir(parents=True)
    (tree / "a.so").write_bytes(data)
    (tree / PATHS[0].hash / "b").write_bytes(b"x " + TEXT)
    (tree / "l").symlink_to(os.fsdecode(TEXT))
    return tree


def state(tree: Path) -> dict[str, bytes]:
    """Path → content or target of everything in a tree; what tests.support.refs has takes longer."""
    found = {}
    stack = [os.fspath(tree)]
    while stack:
        with os.scandir(stack.pop()) as listing:
            for entry in listing:
                if entry.is_symlink():
                    found[entry.path] = os.readlink(os.fsencode(entry.path))  # noqa: PTH115 - quick
                elif entry.is_dir():
                    found[entry.path] = b""
                    stack.append(entry.path)
                else:
                    with open(entry.path, "rb", buffering=0) as stream:  # noqa: PTH123 - quick
                        found[entry.path] = stream.read()
    return found


def fuzz_tree(data: bytes) -> None:
    """Strip a tree with an ELF file of ``data``, restore it by the manifest in it: done, or nothing changed.

    Restored by its own manifest, it is what it was.
    """
    content, _, text = data.partition(SPLIT)
    folder = Path(FOLDER) / f"uvlock2nix-fuzz-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    tree = make_tree(folder, content)
    before = state(tree)
    manifest = folder / "manifest.json"
    try:
        report = strip(tree, store_paths=PATHS, inputs=INPUTS, manifest=manifest)
    except Uvlock2nixError:
        assert state(tree) == before
        return
    stripped = state(tree)
    if report.corrupt:
        assert stripped[f"{tree}/a.so"] == before[f"{tree}/a.so"]
    else:
        assert not any(path.hash.encode() in row for row in stripped.values() for path in PATHS)
    if text and _restore(tree, folder / "other.json", text, stripped) is not None:
        return  # what is left for the right manifest is anyone's guess
    report_back = _restore(tree, manifest, manifest.read_bytes(), stripped)
    foreign = any(one.foreign for one in report.references)  # a path that is not among the inputs
    if report_back is not None and not (report_back.dropped or report_back.added or foreign):
        assert state(tree) == before


def _restore(tree: Path, manifest: Path, content: bytes, before: object) -> RestoreReport | None:
    """What was done; None when it was refused, and then nothing has changed."""
    manifest.write_bytes(content)
    try:
        return restore(
            tree,
            Recorded(INPUTS, manifest, others=PATHS),
            RestoreOptions(ignore=("*",)),
            tools=Tools(grow=_no_grow),
        )
    except Uvlock2nixError:
        assert state(tree) == before
        return None


def _no_grow(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
    raise Uvlock2nixError(f"{file}, {runpath!r}, {force}, {interpreter!r}: nothing grows here")


TARGETS = {
    "elf": (fuzz_elf, elf_seeds),
    "manifest": (fuzz_manifest, manifest_seeds),
    "tree": (fuzz_tree, tree_seeds),
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    asked, words = parser.parse_known_args()
    atheris = import_module("atheris")
    name: str = asked.target
    target, seeds = TARGETS[name]
    corpus = Path(tempfile.mkdtemp(prefix=f"refs-fuzz-{name}-"))
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    for module in [module for key, module in sys.modules.items() if key.startswith("uvlock2nix.refs")]:
        for value in vars(module).values():
            _instrument(atheris, module.__name__, value)
    atheris.Setup([sys.argv[0], str(corpus), "-max_len=4096", *words], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
