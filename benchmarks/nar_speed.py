"""NAR hashing against ``nix-hash`` (``nix hash path`` where that is all there is), in one run, on one tree.

``python benchmarks/nar_speed.py [TREE]``: without TREE a tree like a big environment is made (1.4 GB, 23,000
files). Prints seconds, the ratio (below 1: we are faster) and our peak memory. Each side runs four times in
turn, with the files in the page cache; the best of each counts. Where other programs run at the same time,
look at the processor's seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
OURS = """
import resource, sys
from uvlock2nix.nar import nar_hash
print(nar_hash(sys.argv[1]).sri, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Standard output, and what a process took: by the clock, and of processors (user and system)."""

    output: str
    clock: float
    processor: float


def make_tree(root: Path, *, files: int = 23_000, size: int = 1_400_000_000) -> None:
    """Many small files, some of megabytes, one of 300 MB: as site-packages with compiled code are."""
    generator = random.Random(7)
    block = generator.randbytes(1 << 20)
    sizes = [int(generator.paretovariate(0.9) * 700) for _ in range(files - 1)]
    scale = (size - 300_000_000) / sum(min(one, 40_000_000) for one in sizes)
    for number, one in enumerate([*(int(min(one, 40_000_000) * scale) for one in sizes), 300_000_000]):
        path = root / f"package{number % 97}" / f"part{number % 11}" / f"file{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for _ in range(one >> 20):
                file.write(block)
            file.write(block[: one & 0xFFFFF])


def timed(command: list[str], env: dict[str, str] | None = None) -> Run:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    clock = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(done.stdout.strip(), clock, processor)


def without_start(runs: list[Run], idle: list[Run]) -> tuple[float, float]:
    """The best clock and processor seconds, less those that a program takes that does nothing."""
    return (
        min(run.clock for run in runs) - min(run.clock for run in idle),
        min(run.processor for run in runs) - min(run.processor for run in idle),
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("tree", nargs="?", type=Path)
    tree: Path | None = parser.parse_args().tree
    made = None
    if tree is None:
        made = tree = Path(tempfile.mkdtemp(prefix="nar-speed-"))
        make_tree(tree)
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    mine = [sys.executable, "-c", OURS, str(tree)]
    other = ["nix-hash", "--type", "sha256", "--sri", str(tree)]
    if subprocess.run([*other[:-1], "/etc/hostname"], capture_output=True, check=False).returncode:
        other = ["nix", "--extra-experimental-features", "nix-command", "hash", "path", str(tree)]
    try:
        timed(mine, env)  # into the page cache
        rounds = [(timed(mine, env), timed(other)) for _ in range(4)]
        idle = [
            (timed([sys.executable, "-c", "import uvlock2nix.nar"], env), timed([other[0], "--version"]))
            for _ in range(4)
        ]
    finally:
        if made is not None:
            shutil.rmtree(made)
    ours = without_start([one for one, _ in rounds], [one for one, _ in idle])
    nix = without_start([two for _, two in rounds], [two for _, two in idle])
    memory = max(int(one.output.split()[1]) for one, _ in rounds) / 1024
    print(f"clock: ours {ours[0]:.2f} s, nix {nix[0]:.2f} s, ratio {ours[0] / nix[0]:.2f}")
    print(f"processor: ours {ours[1]:.2f} s, nix {nix[1]:.2f} s, ratio {ours[1] / nix[1]:.2f}")
    print(f"our memory: {memory:.0f} MiB")
    digests = {digest.output.split()[0] for pair in rounds for digest in pair}
    print("the hashes are equal" if len(digests) == 1 else f"THE HASHES DIFFER: {digests}")
    return 0 if len(digests) == 1 and memory < 100 else 1


if __name__ == "__main__":
    sys.exit(main())
