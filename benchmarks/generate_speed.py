"""What ``uvlock2nix generate`` costs against ``uv export --frozen``, as whole processes, in processor time.

    python benchmarks/generate_speed.py [PROJECT[:--extra=NAME,--group=NAME…] …] [--rounds N]

PROJECT is a folder with a uv.lock (default: two of fixtures/locks). Each is generated once beforehand: what
is measured is what a user does all day, with everything resolved and inspected, and files that are compared.
Both programs run as they are installed: ours with bytecode, as the Nix package has it. The two take turns;
printed are the medians, the ratio (goal: 8), the least of each and the machine's load.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
LOCKS = REPO / "fixtures" / "locks"
DEFAULT = [str(LOCKS / "ankitects__anki"), str(LOCKS / "microsoft__autogen__python")]
UV = Path(sys.executable).with_name("uv")


def cpu(argv: list[str], environment: dict[str, str]) -> float:
    """Processor seconds of a whole process, which must end well."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, cwd=REPO, env=environment, stdout=quiet, stderr=quiet) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("projects", nargs="*", default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="uvlock2nix-bench-") as place:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{place}/bytecode"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for given in asked.projects:
            name, _, words = given.partition(":")
            project = Path(place) / Path(name).name
            shutil.copytree(name, project)
            selection = [word for word in words.split(",") if word]
            theirs = [str(UV), "export", "--frozen", "--quiet", "--project", str(project), *selection]
            theirs += [] if "--group" in words else ["--no-default-groups"]
            ours = [sys.executable, "-m", "uvlock2nix", "generate", str(project), "--python=3.13", *selection]
            cpu(ours, environment)
            pairs = [(cpu(theirs, environment), cpu(ours, environment)) for _ in range(asked.rounds)]
            uv, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
            least = [min(column) for column in zip(*pairs, strict=True)]
            print(
                f"{project.name}: uv export {uv:.3f} s, generate {mine:.3f} s, ratio {mine / uv:.1f}"
                f" (least {least[0]:.3f}, {least[1]:.3f}, ratio {least[1] / least[0]:.1f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
