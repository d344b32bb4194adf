"""Let others judge a restored tree: readelf, patchelf, ldd, Nix's scan, auditwheel's lddtree, Python.

``python -m benchmarks.refs_judges TREE AUDITWHEEL [SUITE]``, as root: TREE from ``benchmarks.refs_tree``,
AUDITWHEEL a folder from which Python imports auditwheel, SUITE the test stand's, whose Python must be the
tree's (bookworm: 3.11). The tree is stripped; then restored with the same paths, where it must be the same
as before (bar RECORD, which now is right), and in a build with the paths of real libraries. Each judge says
what it finds wrong; next to Python's answer is its answer for TREE itself.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.refs_restore import elf_files, output, refs
from benchmarks.refs_tree import PATHS
from tests.support.stand import Stand

HERE = Path(__file__).resolve().parent
ATTRS = (*json.loads((HERE / "refs_judges.json").read_text()), "out")
GIVEN = [
    word
    for attr, path in zip(ATTRS, PATHS, strict=True)
    for word in ("--input", f"{attr}=/nix/store/{path.base}")
]
NIX_FILE = HERE / "refs_judges.nix"


def search_paths(tree: Path) -> dict[str, tuple[list[str], list[str]]]:
    """File → what ``patchelf --print-rpath`` and what ``readelf -d`` say."""
    found = {}
    for path in elf_files(tree):
        entries = output("patchelf", "--print-rpath", str(path)).strip().split(":")
        rows = re.findall(
            r"\((NEEDED|SONAME|RPATH|RUNPATH)\)[^\[]*\[(.*)\]", output("readelf", "-dW", str(path))
        )
        found[str(path.relative_to(tree))] = (
            [entry for entry in entries if entry],
            sorted(f"{tag} {value}" for tag, value in rows if value or "PATH" not in tag),
        )
    return found


def the_same_paths(tree: Path, work: Path) -> None:
    """Strip, restore with the same paths, compare every byte."""
    refs("restore", str(work), *GIVEN, "--no-libraries")
    lines = output("diff", "-rq", "--no-dereference", str(tree), str(work)).splitlines()
    other = [line for line in lines if "RECORD" not in line and "nix-support" not in line]
    records = len([line for line in lines if "RECORD" in line])
    print(f"the same paths: {len(other)} files differ, and {records} RECORDs, which were wrong before")
    for line in other[:10]:
        print("  " + line)


def compare_search_paths(tree: Path, env: Path, real: dict[str, str]) -> None:
    """readelf and patchelf report the same of env as of the tree, with the real paths."""
    verdicts: Counter[str] = Counter()
    added: Counter[str] = Counter()
    ours = search_paths(env)
    before = search_paths(tree)
    for file, (entries, rows) in before.items():
        for old, new in real.items():
            entries = [entry.replace(old, new) for entry in entries]
            rows = [row.replace(old, new) for row in rows]
        got, got_rows = ours[file]
        plain = [row for row in rows if "PATH " not in row] == [row for row in got_rows if "PATH " not in row]
        if (got, got_rows) == (entries, sorted(rows)):
            verdicts["equal"] += 1
        elif plain and got[: len(entries)] == entries:
            verdicts["equal, with entries behind"] += 1
            added.update(re.sub(r"(\.\./)+", "…/", entry) for entry in got[len(entries) :])
        else:
            verdicts["not equal"] += 1
            print(f"  {file}: {entries} | {got}")
    print(f"readelf -d, patchelf --print-rpath, {len(before)} files: {dict(verdicts)}")
    print(f"  entries behind: {dict(added)}")


def failures(lines: str) -> tuple[int, dict[str, str]]:
    answers = [json.loads(line) for line in lines.splitlines()]
    return len(answers), {name: why for name, why in answers if why}


def told(said: Path, tree: Path) -> None:
    """What ldd, lddtree and Python reported in the sandbox, and Python's answer for TREE itself here."""
    text = (said / "ldd").read_text()
    wrong = re.findall(r"^(?:\t.*not found.*|ldd ended.*|.*(?:error|version `).*:.*)$", text, re.MULTILINE)
    print(f"ldd: {text.count('== /')} files, {len(wrong)} lines that say not found")
    for line in sorted(set(wrong))[:20]:
        print("  " + line.strip())
    count, lost = failures((said / "lddtree").read_text())
    print(f"lddtree: {count} files, {len(lost)} with libraries that are not found")
    for file, names in list(lost.items())[:20]:
        print(f"  {file}: {names}")
    count, failed = failures((said / "imports").read_text())
    print(f"Python: {count - len(failed)} of {count} extension modules are imported")
    for name, why in failed.items():
        print(f"  {name}: {why}")
    (site,) = tree.glob("lib/python*/site-packages")
    minor = site.parent.name.removeprefix("python")
    command = [
        shutil.which(f"python{minor}") or sys.executable,
        "-I",
        "-B",
        str(HERE / "refs_imports.py"),
        str(site),
    ]
    count, before = failures(output(*command, "300"))
    print(f"  before strip, on this machine: {count - len(before)} of {count}")
    for name, why in before.items():
        print(f"  {name}: {why}")


def main(tree: Path, auditwheel: Path, stand: Stand) -> None:
    work, folder = tree.with_name("refs-deps"), tree.with_name("refs-auditwheel")
    for path in (work, folder):
        shutil.rmtree(path, ignore_errors=True)
    subprocess.run(["cp", "-a", tree, work], check=True)
    folder.mkdir()
    for name in ("auditwheel", "elftools", "packaging"):
        shutil.copytree(auditwheel / name, folder / name)
    refs("strip", str(work), *GIVEN)
    stored = [stand.run(["nix-store", "--add", path]).stdout.strip() for path in (work, folder)]
    the_same_paths(tree, work)
    shutil.rmtree(work)
    shutil.rmtree(folder)
    words = ["--argstr", "stripped", stored[0], "--argstr", "auditwheel", stored[1]]
    env = stand.nix_build(NIX_FILE, "-A", "env", *words)
    inputs = stand.evaluate(
        f'(import {NIX_FILE} {{ stripped = "{stored[0]}"; auditwheel = "{stored[1]}"; }}).referenceInputs'
    )
    assert isinstance(inputs, dict)
    paths = {**inputs, "out": env}
    real = {f"/nix/store/{path.base}": paths[attr] for attr, path in zip(ATTRS, PATHS, strict=True)}
    found = set(stand.run(["nix-store", "-q", "--references", env]).stdout.split())
    wanted = set(paths.values())
    print(
        f"Nix: {len(found & wanted)} of {len(wanted)} references; "
        f"missing {wanted - found}; more {found - wanted}"
    )
    none = stand.run(["nix-store", "-q", "--references", stored[0]]).stdout.split()
    print(f"  of the stripped tree: {len(none)}")
    compare_search_paths(tree, stand.path(env), real)
    told(stand.path(stand.nix_build(NIX_FILE, "-A", "said", *words)), tree)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tree", type=Path, metavar="TREE")
    parser.add_argument("auditwheel", type=Path, metavar="AUDITWHEEL")
    parser.add_argument("suite", nargs="?", default="bookworm", metavar="SUITE")
    asked = parser.parse_args()
    main(asked.tree.resolve(), asked.auditwheel.resolve(), Stand(asked.suite))
