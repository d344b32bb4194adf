"""How long ``uvlock2nix --help`` takes against ``python -c "import click"`` (goal: below 1.5 times).

``python benchmarks/startup.py [ROUNDS]``; the two alternate, the best of each counts, so that what else the
machine does hurts both alike.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

COMMANDS = {
    "import click": [sys.executable, "-c", "import click"],
    "uvlock2nix --help": [sys.executable, "-m", "uvlock2nix", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=30, metavar="ROUNDS")
    rounds: int = parser.parse_args().rounds
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(rounds):
        for name, argv in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - start)
    for name, took in best.items():
        print(f"{name}: {took * 1000:.0f} ms")
    print(f"ratio {best['uvlock2nix --help'] / best['import click']:.2f} (goal 1.5)")


if __name__ == "__main__":
    main()
