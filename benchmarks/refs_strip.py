"""Strip with its audit against one ``grep -r`` and against the shell pipeline, in one run.

``python -m benchmarks.refs_strip TREE [ROUNDS] [--shell]``, TREE from ``refs_tree``. Works on copies next to
TREE. ``--shell`` also runs "find the references, then one ``sed -i`` for each over all files", for the first
reference and for the first two, and reckons from the difference what all of them take. Prints seconds (wall
and CPU), ratios and the peak memory of strip.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.refs_tree import PATHS

SHELL = r"""
set -eu
grep -rhaoE '/nix/store/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+' "$1" | sort -u > "$2"
head -n "$3" "$2" | while read -r reference; do
  new=/nix/store/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee${reference:43}
  find "$1" -type f -exec sed -i "s|$reference|$new|g" {} +
done
"""


def timed(command: list[str]) -> tuple[float, float, int]:
    """(wall seconds, CPU seconds, peak memory in MiB) of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):  # grep: 1 when nothing was found
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10


def main(tree: Path, rounds: int, *, shell: bool) -> None:
    work = tree.with_name(tree.name + ".work")
    closure = tree.with_name("closure")
    closure.write_text("".join(f"/nix/store/{path.base}\n" for path in PATHS))
    strip = [sys.executable, "-m", "uvlock2nix", "refs", "strip", str(work), "--audit"]
    strip += ["--closure", str(closure)]
    print(f"load {os.getloadavg()[0]:.1f}")
    greps, strips, memory, stamps = [], [], 0, {}
    for _ in range(rounds):
        shutil.rmtree(work, ignore_errors=True)
        subprocess.run(["cp", "-a", tree, work], check=True)
        stamps = {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in work.rglob("*")}
        greps.append(timed(["grep", "-rq", "/nix/store/nothing-has-this", str(work)])[:2])
        wall, cpu, peak = timed(strip)
        strips.append((wall, cpu))
        memory = max(memory, peak)
    before = {path: stamp for path, stamp in stamps.items() if not path.is_dir()}
    kept = sum((path.lstat().st_ino, path.lstat().st_mtime_ns) == stamp for path, stamp in before.items())
    for name, pick in (("wall", 0), ("CPU", 1)):
        grep = statistics.median(row[pick] for row in greps)
        mine = statistics.median(row[pick] for row in strips)
        print(f"{name}: grep -r {grep:.2f} s, strip {mine:.2f} s: {mine / grep:.2f} times one grep")
    print(f"peak memory of strip: {memory} MiB; {kept} of {len(before)} files keep inode and time")
    if shell:
        shutil.rmtree(work)
        subprocess.run(["cp", "-a", tree, work], check=True)
        one, two = (timed(["bash", "-c", SHELL, "bash", str(work), f"{work}.list", n])[:2] for n in "12")
        for name, pick in (("wall", 0), ("CPU", 1)):
            whole = one[pick] + (two[pick] - one[pick]) * (len(PATHS) - 1)
            mine = statistics.median(row[pick] for row in strips)
            print(
                f"{name}: shell pipeline {whole:.0f} s, strip {mine:.2f} s: {whole / mine:.0f} times faster"
            )
    shutil.rmtree(work)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tree", type=Path, metavar="TREE")
    parser.add_argument("rounds", nargs="?", type=int, default=5, metavar="ROUNDS")
    parser.add_argument("--shell", action="store_true")
    asked = parser.parse_args()
    main(asked.tree.resolve(), asked.rounds, shell=asked.shell)
