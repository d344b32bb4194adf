"""An env by copies against an env by symlinks: seconds, bytes, and what importing numpy and pandas costs.

``python -m benchmarks.refs_link STRIPPED PYTHON``: STRIPPED a tree that ``refs strip`` went over with the
store paths of ``benchmarks.refs_tree``; PYTHON imports from the result.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.refs_tree import PATHS

IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); import pandas, sklearn.linear_model"


def size(tree: Path) -> int:
    """Disk space in MiB, by du."""
    return int(subprocess.run(["du", "-sm", tree], stdout=subprocess.PIPE, check=True).stdout.split()[0])


def main(stripped: Path, python: str) -> None:
    env, closure = stripped.with_name("env.work"), stripped.with_name("closure")
    closure.write_text("".join(f"/nix/store/{path.base}\n" for path in PATHS))
    print(f"deps: {size(stripped)} MiB")
    for how in ("--copy", "--link"):
        shutil.rmtree(env, ignore_errors=True)
        command = [
            sys.executable,
            "-m",
            "uvlock2nix",
            "refs",
            "restore",
            str(env),
            "--from",
            str(stripped),
            how,
        ]
        start = time.perf_counter()
        command += [
            "--closure",
            str(closure),
            "--no-libraries",
            "--input",
            f"out=/nix/store/{PATHS[-1].base}",
        ]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - start
        (site,) = env.glob("lib/python*/site-packages")
        times = []
        for _ in range(4):
            process = subprocess.Popen([python, "-B", "-c", IMPORT, site])
            usage = os.wait4(process.pid, 0)[2]
            times.append(usage.ru_utime + usage.ru_stime)
        cpu = statistics.median(times[1:])
        print(f"{how}: made in {seconds:.1f} s, {size(env)} MiB; import {cpu:.2f} s of CPU")
    shutil.rmtree(env)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("stripped", type=Path, metavar="STRIPPED")
    parser.add_argument("python", metavar="PYTHON")
    asked = parser.parse_args()
    main(asked.stripped.resolve(), asked.python)
