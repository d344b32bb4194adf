"""Kill every writing command at random moments and count what is damaged or left behind.

    python benchmarks/kills.py [--seconds N] [--seed N] [COUNT] [CASE …]

COUNT kills (default 300) of each case, or as many as N seconds allow, by SIGKILL, SIGTERM and SIGINT in turn;
after some of them a run is left alone, which must put everything right. The cases are those of
tests/support/kills.py; ``init``, ``update-hash`` and ``update-hash-file`` need the stand (a real Nix).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.kills import CASES, Killer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=300, metavar="COUNT")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if unknown := set(asked.cases) - CASES.keys():
        parser.error(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    faults = 0
    print("| command | killed | by signal | ended before | damaged | left behind | next run failed |", end="")
    print(" process left | tracebacks | of Python's start | seconds | load |\n|" + "---|" * 12, flush=True)
    for name in asked.cases or CASES:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True) as folder:
            killer = Killer(CASES[name], Path(folder) / "place", asked.seed)
            counts = killer.run(asked.count, asked.seconds)
        by_signal = ", ".join(f"{one} {number}" for one, number in sorted(counts.by_signal.items()))
        cells = [name, counts.killed, by_signal, counts.ended, counts.damaged, counts.left_behind]
        cells += [counts.next_run_failed, counts.process_left, counts.tracebacks, counts.before_us]
        cells += [f"{time.monotonic() - start:.0f}", f"{os.getloadavg()[0]:.1f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        for note in counts.notes[:5]:
            print(f"  {note}", file=sys.stderr)
        faults += counts.faults
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
