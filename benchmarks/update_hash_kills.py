"""Kill update-hash at random moments and look at what is left: ``benchmarks/update_hash_kills.py 200``.

Needs a real Nix in PATH (``tests/stand/bin`` will do). The file holds a small fixed-output derivation whose
content changes every few runs, so that old and new hash differ. After each kill the file must be the old or
the new one, whole, with nothing next to it; a run that is left alone must then succeed. Half of the runs are
two at once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TEXT = """derivation {{
  name = "small-{salt}";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo {salt} > $out" ];
  outputHashMode = "flat";
  outputHashAlgo = "sha256";
  outputHash = "{hash}";
}}
"""


def start(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "uvlock2nix", "update-hash", str(path)]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=REPOSITORY
    )


def ours(folder: Path) -> list[str]:
    """Processes that still work on the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
            if os.fsencode(folder) in line or f"small-{os.getpid()}-".encode() in line:
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def main(count: int) -> int:
    random.seed(1)
    outcomes = {"old": 0, "new": 0, "damaged": 0, "left behind": 0, "next run failed": 0, "process left": 0}
    with tempfile.TemporaryDirectory(prefix="kills") as temporary:
        folder = Path(temporary)
        path = folder / "deps.nix"
        old = new = ""
        longest = 1.0
        for number in range(count):
            if number % 10 == 0:
                salt = f"{os.getpid()}-{number}"
                old = TEXT.format(salt=salt, hash="sha256-" + "A" * 43 + "=")
                path.write_text(old)
                begin = time.monotonic()
                if start(path).wait() != 0:
                    outcomes["next run failed"] += 1
                longest = time.monotonic() - begin
                new = path.read_text()
            path.write_text(old)
            processes = [start(path) for _ in range(1 + number % 2)]
            time.sleep(random.uniform(0, longest * 1.2))
            for process in processes:
                process.send_signal(signal.SIGKILL)
                process.wait()
            text = path.read_text()
            outcomes["old" if text == old else "new" if text == new else "damaged"] += 1
            outcomes["left behind"] += len(list(folder.iterdir())) != 1
            deadline = time.monotonic() + 5
            while ours(folder) and time.monotonic() < deadline:
                time.sleep(0.05)
            outcomes["process left"] += bool(ours(folder))
        path.write_text(old)
        if start(path).wait() != 0 or path.read_text() != new or len(list(folder.iterdir())) != 1:
            outcomes["next run failed"] += 1
    print(f"{count} kills: " + ", ".join(f"{name} {value}" for name, value in outcomes.items()))
    return 0 if sum(outcomes.values()) == outcomes["old"] + outcomes["new"] else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
