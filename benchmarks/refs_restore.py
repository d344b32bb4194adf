"""Restore against ``patchelf`` called once for each ELF file, and the two compared by ``readelf -d``.

``python -m benchmarks.refs_restore TREE LIBRARIES INTERPRETER``, TREE from ``benchmarks.refs_tree``,
LIBRARIES folders with a colon between. Works on copies beside TREE. The rival puts every search path in
anew, one patchelf for each file; it does not even look at texts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
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


def dynamic(files: list[Path]) -> dict[str, str]:
    """What ``readelf -d`` says of search paths and needs, by file name."""
    found = {}
    for path in files:
        shown = re.sub(r"\(RUNPATH\)\s+Library runpath: \[\]", "", output("readelf", "-dW", str(path)))
        found[path.name + str(path.parent)[-40:]] = "\n".join(
            re.findall(r"\((?:NEEDED|RUNPATH|RPATH|SONAME)\).*", shown)
        )
    return found


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def refs(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "uvlock2nix", "refs", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def main(tree: Path, libraries: str, interpreter: str) -> None:
    mine, other = tree.with_name("a" * 4 + ".work"), tree.with_name("b" * 4 + ".work")
    closure = tree.with_name("closure")
    closure.write_text("".join(f"/nix/store/{path.base}\n" for path in PATHS))
    options = [word for folder in libraries.split(":") for word in ("--library", folder)]
    for copy in (mine, other):
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(["cp", "-a", tree, copy], check=True)
    refs("strip", str(mine), "--closure", str(closure))
    # 1. The same paths: the tree is the one before, bar RECORD, which was wrong before.
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
    ours = refs("restore", str(mine), "--closure", str(closure), "--interpreter", interpreter, *options)
    files = elf_files(other)
    start = time.perf_counter()
    for path in files:
        shown = output("patchelf", "--print-rpath", str(path)).strip()
        for old, new in table.items():
            shown = shown.replace(old, new)
        force = ["--force-rpath"] if "(RPATH)" in output("readelf", "-dW", str(path)) else []
        output("patchelf", *force, "--set-rpath", shown, str(path))
    loop = time.perf_counter() - start
    print(f"other paths: {ours:.2f} s; patchelf for each of {len(files)} files {loop:.2f} s")
    print(f"that is {loop / ours:.1f} times as long")
    a, b = dynamic(elf_files(mine)), dynamic(files)
    unequal = [
        name for (name, text), other_text in zip(a.items(), b.values(), strict=True) if text != other_text
    ]
    print(f"readelf -d says the same of {len(a) - len(unequal)} of {len(a)} files; the others:")
    for name in unequal[:10]:
        print("  " + name)
    shutil.rmtree(other)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3])
