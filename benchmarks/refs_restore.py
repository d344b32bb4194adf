"""Restore against ``patchelf`` called once for each ELF file, and the two compared by ``readelf -d``.

``python -m benchmarks.refs_restore TREE LIBRARIES INTERPRETER``, TREE from ``benchmarks.refs_tree``,
LIBRARIES folders with a colon between, INTERPRETER with the C library next to it. Works on copies next to
TREE. The rival puts every search path in again, one patchelf for each file; it looks neither at texts nor at
what a file needs. So it is compared with a restore that does not either; then with one that finds every
library, which the rival takes from our result.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.refs_tree import NAMES, PATHS, store_path

NEW = {"libxml2-2.13.8": "libxml2-2.14.10", "zlib-1.3.1": "zlib-1.4", "openssl-3.4.1": "openssl-3.5.0-beta1"}


def elf_files(tree: Path) -> list[Path]:
    """The ELF files with a dynamic section, by their names and first bytes."""
    found = []
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink() and (".so" in path.name or os.access(path, os.X_OK)):
            with path.open("rb") as stream:
                if stream.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def dynamic(tree: Path) -> dict[str, tuple[list[str], str]]:
    """What ``readelf -d`` says: file → (names of needs and of itself, search path with its tag)."""
    found = {}
    for path in elf_files(tree):
        rows = re.findall(
            r"\((NEEDED|SONAME|RPATH|RUNPATH)\)[^\[]*\[(.*)\]", output("readelf", "-dW", str(path))
        )
        search = " ".join(f"{tag} {text}" for tag, text in rows if text and tag.endswith("PATH"))
        names = [f"{tag} {text}" for tag, text in rows if not tag.endswith("PATH")]
        found[str(path.relative_to(tree))] = (names, search)
    return found


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def refs(*arguments: str) -> float:
    os.sync()  # what was copied before is not to be written while we measure
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "refs", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def patchelf_each(tree: Path, wanted: Mapping[str, str], interpreter: str = "") -> float:
    """The rival: seconds for one ``patchelf`` per file, which is given the result to reach."""
    commands = []
    for path in elf_files(tree):
        command = ["patchelf", "--set-rpath", wanted[str(path.relative_to(tree))], str(path)]
        if "(RPATH)" in output("readelf", "-dW", str(path)):
            command.insert(1, "--force-rpath")
        if interpreter and output("patchelf", "--print-interpreter", str(path)):
            command[1:1] = ["--set-interpreter", interpreter]
        commands.append(command)
    os.sync()
    start = time.perf_counter()
    for command in commands:
        output(*command)
    return time.perf_counter() - start


def replaced(tree: Path, table: Mapping[str, str]) -> dict[str, str]:
    """The search paths of a tree with other store paths."""
    found = {}
    for path in elf_files(tree):
        shown = output("patchelf", "--print-rpath", str(path)).strip()
        for old, new in table.items():
            shown = shown.replace(old, new)
        found[str(path.relative_to(tree))] = shown
    return found


def told(name: str, mine: Path, other: Path, ours: float, theirs: float) -> None:
    """Print seconds and what is not the same."""
    a, b = dynamic(mine), dynamic(other)
    unequal = [file for file in a if a[file] != b[file]]
    print(
        f"{name}: {ours:.2f} s; patchelf for each of {len(b)} files {theirs:.2f} s: {theirs / ours:.1f} times"
    )
    print(f"  readelf -d says the same of {len(a) - len(unequal)} of {len(a)} files")
    for file in unequal[:10]:
        print(f"  {file}: {a[file]} | {b[file]}")


def copied(tree: Path, name: str) -> Path:
    """A fresh copy next to the tree."""
    copy = tree.with_name(name)
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-a", tree, copy], check=True)
    return copy


def main(tree: Path, libraries: str, interpreter: str) -> None:
    mine, other = copied(tree, "mine.work"), copied(tree, "rival.work")
    closure = tree.with_name("closure")
    closure.write_text("".join(f"/nix/store/{path.base}\n" for path in PATHS))
    options = [word for folder in libraries.split(":") for word in ("--library", folder)]
    print(f"load {os.getloadavg()[0]:.1f}")
    refs("strip", str(mine), "--closure", str(closure))
    # 1. The same paths: the tree is as before, except RECORD, which was wrong before.
    same = refs("restore", str(mine), "--closure", str(closure), "--no-libraries")
    lines = output("diff", "-rq", "--no-dereference", str(tree), str(mine))
    differing = [line for line in lines.splitlines() if "RECORD" not in line and "nix-support" not in line]
    print(f"the same paths: {same:.2f} s; files that differ, bar RECORD: {len(differing)}")
    for line in differing[:10]:
        print("  " + line.split(" and ")[-1])
    # 2. Other versions, some longer, against patchelf once for each ELF file.
    refs("strip", str(mine), "--closure", str(closure))
    table = {
        path.base: store_path(NEW.get(name, name), "2").base for path, name in zip(PATHS, NAMES, strict=True)
    }
    closure.write_text("".join(f"/nix/store/{base}\n" for base in table.values()))
    whole = copied(mine, "whole.work")
    ours = refs("restore", str(mine), "--closure", str(closure), "--no-libraries")
    told("other paths", mine, other, ours, patchelf_each(other, replaced(tree, table)))
    # 3. And every library found.
    shutil.rmtree(mine)
    other = copied(tree, "rival.work")
    ours = refs("restore", str(whole), "--closure", str(closure), "--interpreter", interpreter, *options)
    told("with libraries", whole, other, ours, patchelf_each(other, replaced(whole, {}), interpreter))
    for copy in (other, whole):
        shutil.rmtree(copy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tree", type=Path, metavar="TREE")
    parser.add_argument("libraries", metavar="LIBRARIES")
    parser.add_argument("interpreter", metavar="INTERPRETER")
    asked = parser.parse_args()
    main(asked.tree.resolve(), asked.libraries, asked.interpreter)
