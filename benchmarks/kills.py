"""Kill every writing command at random moments and count what is damaged or left behind.

``benchmarks/kills.py [--seconds N] [COUNT] [CASE …]``: COUNT kills (default 300) of each case, or as many
as N seconds allow, by SIGKILL, SIGTERM and SIGINT in turn; after some of them a run is left alone, which
must put everything right. The cases are those of tests/support/kills.py; ``init``, ``update-hash`` and
``update-hash-file`` need the stand (a real Nix).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.kills import CASES, Killer


def main(arguments: list[str]) -> int:
    seconds = float(arguments[1]) if arguments[:1] == ["--seconds"] else None
    arguments = arguments[2:] if seconds is not None else arguments
    count = int(arguments[0]) if arguments else 300
    faults = 0
    print("| command | killed | by signal | ended before | damaged | left behind | next run failed |", end="")
    print(" process left | tracebacks | of Python's start | seconds |\n|" + "---|" * 11, flush=True)
    for name in arguments[1:] or CASES:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True) as folder:
            counts = Killer(CASES[name], Path(folder) / "place").run(count, seconds)
        by_signal = ", ".join(f"{one} {number}" for one, number in sorted(counts.by_signal.items()))
        cells = [name, counts.killed, by_signal, counts.ended, counts.damaged, counts.left_behind]
        cells += [counts.next_run_failed, counts.process_left, counts.tracebacks, counts.before_us]
        print("| " + " | ".join(map(str, [*cells, f"{time.monotonic() - start:.0f}"])) + " |", flush=True)
        for note in counts.notes[:5]:
            print(f"  {note}", file=sys.stderr)
        faults += counts.faults
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
