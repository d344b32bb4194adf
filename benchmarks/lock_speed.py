"""How long reading, resolving and choosing take as a whole process, against ``uv export --frozen``.

    python benchmarks/lock_speed.py [FOLDER] [--extra NAME…] [--group NAME…] [--rounds N]

FOLDER holds a big uv.lock (default: the biggest under fixtures/locks). Half and double its size are made
from it: every second package left out, or every package there twice under a different name. Prints the best
of N rounds, the ratio to uv (also in processor time, for a busy machine), and the peak memory. Not a test:
nothing fails here.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ONCE = """
import resource, sys
from pathlib import Path
from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.errors import NoArtifactError
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.target import Target
project = load_project(Path(sys.argv[1]))
target = Target.parse("x86_64-linux", sys.argv[2])
extras, groups = (tuple(filter(None, text.split(","))) for text in sys.argv[3:5])
selection = Selection(extras=extras, groups=groups)
environment = resolve(project, selection, target)
policy = BuildPolicy.from_settings(project.uv)
count = 0
for entry in environment.packages:
    try:
        count += choose(entry.package, target, policy).artifact is not None
    except NoArtifactError:
        pass
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(project.lock.packages), len(environment.packages), count, peak // 1024)
"""
_NAME = re.compile(r'(\bname = ")([^"]+)(")')


def blocks_of(text: str) -> tuple[str, list[str]]:
    """What is before the first package, and the text of each package."""
    head, *blocks = text.split("[[package]]\n")
    return head, blocks


def name_of(block: str) -> str:
    match = _NAME.search(block)
    if match is None:
        raise SystemExit("a package without a name")
    return match[2]


def halve(text: str, root: str) -> str:
    """The half of the packages that is nearest to the root, without the edges to the others."""
    head, blocks = blocks_of(text)
    edges: dict[str, list[str]] = {}
    for block in blocks:
        listed = (line for line in block.splitlines() if line.startswith("    { name"))
        found = [match[2] for line in listed if (match := _NAME.search(line))]
        edges.setdefault(name_of(block), []).extend(found)
    kept, queue = {root: None}, [root]
    for name in queue:
        for other in edges.get(name, ()):
            if other not in kept and len(kept) < len(edges) // 2:
                kept[other] = None
                queue.append(other)
    out = []
    for block in blocks:
        if name_of(block) in kept:
            lines = block.splitlines(keepends=True)
            out.append("".join(line for line in lines if _keeps(line, set(kept))))
    return head + "".join(f"[[package]]\n{block}" for block in out)


def _keeps(line: str, kept: set[str]) -> bool:
    match = _NAME.search(line) if line.startswith("    { name") else None
    return match is None or match[2] in kept


def double(text: str, root: str) -> str:
    """Every package twice, the second under ``zz-NAME``; the root needs both."""
    head, blocks = blocks_of(text)
    names = {name_of(block) for block in blocks} - {root}

    def renamed(match: re.Match[str]) -> str:
        name = match[2]
        return f"{match[1]}zz-{name}{match[3]}" if name in names else match[0]

    second = [_NAME.sub(renamed, block) for block in blocks if name_of(block) != root]
    first = []
    for block in blocks:
        if name_of(block) == root:
            lines = block.splitlines(keepends=True)
            block = "".join(
                line + _NAME.sub(renamed, line) if line.startswith("    { name") else line for line in lines
            )
        first.append(block)
    return head + "".join(f"[[package]]\n{block}" for block in (*first, *second))


def best(command: Sequence[str], folder: Path, rounds: int) -> tuple[float, float, str]:
    """Shortest time and processor time in seconds of ``rounds`` runs, and the last output."""
    shortest, least, output = float("inf"), float("inf"), ""
    for _ in range(rounds):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        output = process(command, folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        shortest = min(shortest, time.perf_counter() - started)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return shortest, least, output


def process(command: Sequence[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(HERE), "NO_COLOR": "1"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{command[0]} failed: {result.stderr[-400:]}")
    return result.stdout


def default_folder() -> Path:
    locks = sorted((HERE / "fixtures" / "locks").glob("*/uv.lock"), key=lambda path: path.stat().st_size)
    return locks[-1].parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--python", default="3.12")
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    folder = (options.folder or default_folder()).resolve()
    text = (folder / "uv.lock").read_text()
    _, blocks = blocks_of(text)
    root = next(
        name_of(block) for block in blocks if re.search(r'source = \{ (editable|virtual) = "\."', block)
    )
    flags = [part for name in options.extra for part in ("--extra", name)]
    flags += [part for name in options.group for part in ("--group", name)]
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    for label, change in (("half", halve), ("whole", None), ("double", double)):
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            shutil.copyfile(folder / "pyproject.toml", place / "pyproject.toml")
            (place / "uv.lock").write_text(change(text, root) if change else text)
            names = [",".join(options.extra), ",".join(options.group)]
            ours = [sys.executable, "-c", ONCE, ".", options.python, *names]
            theirs = [uv, "export", "--frozen", "--no-default-groups", "--no-hashes", *flags]
            taken, spent, output = best(ours, place, options.rounds)
            by_uv, uv_spent, _ = best(theirs, place, options.rounds)
            packages, selected, chosen, peak = output.split()
            print(f"{label:6} {packages:>5} packages, {selected} selected, {chosen} files, peak {peak} MiB")
            print(
                f"  {taken * 1000:.0f} ms; uv export {by_uv * 1000:.0f} ms; ratio {taken / by_uv:.1f}",
                end="; ",
            )
            print(f"processor {spent * 1000:.0f} and {uv_spent * 1000:.0f} ms, {spent / uv_spent:.1f}")


if __name__ == "__main__":
    main()
