"""Send Ctrl-C at random moments of the start, and count tracebacks.

``benchmarks/interrupts.py [COUNT]``: COUNT (default 300) of SIGINT for each way to start a cheap command,
spread over its whole run. What is not ours is counted for itself: a traceback in which no file of ours occurs
comes from Python's own start (``site``, ``encodings``, ``runpy``), which is over before our first statement.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.command import project_at
from tests.support.kills import hear_every_signal

REPO = Path(__file__).resolve().parents[1]
PROGRAM = Path(sys.executable).parent / "uvlock2nix"
OURS = f"{REPO / 'uvlock2nix'}/"


def start(argv: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=REPO,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_every_signal,  # noqa: PLW1509 - no other thread runs here
    )


def ended(argv: list[str], moment: float) -> str:
    """How a run ended that got SIGINT after so many seconds."""
    process = start(argv)
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    if "Traceback" in errors:
        if OURS in errors:
            print(errors, file=sys.stderr)
            return "our traceback"
        return "traceback of Python's start"
    if process.returncode == -signal.SIGINT:
        return "before Python hears signals"
    return {0: "was done", 130: "interrupted"}.get(process.returncode, f"code {process.returncode}: {errors}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=300, metavar="COUNT")
    count: int = parser.parse_args().count
    moments = random.Random(1)
    ours = 0
    with tempfile.TemporaryDirectory(prefix="interrupts-") as folder:
        project = project_at(Path(folder) / "project")
        for argv in (
            [str(PROGRAM), "--help"],
            [sys.executable, "-m", "uvlock2nix", "--help"],
            [str(PROGRAM), "classify", str(project)],
        ):
            began = time.monotonic()
            for _ in range(5):
                start(argv).communicate(timeout=60)
            took = (time.monotonic() - began) / 5
            ends = Counter(ended(argv, moments.uniform(0, took)) for _ in range(count))
            ours += ends["our traceback"]
            shown = ", ".join(f"{name} {number}" for name, number in ends.most_common())
            print(f"{' '.join(Path(word).name for word in argv)} ({took * 1000:.0f} ms): {shown}", flush=True)
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main())
