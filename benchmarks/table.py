"""Write docs/speed.md: what was measured, each result with the command that gives it.

    python benchmarks/table.py [ROW …] [--log ROW=FILE …] [--project LARGE]

Runs the commands of the rows that are named, keeps the lines of their output that hold the result, with the
day and the load of the machine, in benchmarks/table.json, and writes the page of all that is kept. ``--log``
takes the output of such a command from a file: some run for half an hour. Not a test: nothing fails here.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
KEPT = REPO / "benchmarks" / "table.json"
PAGE = REPO / "docs" / "speed.md"
LOAD = re.compile(r"^load ([0-9.]+)", re.MULTILINE)
HEAD = """# Speed

What uvlock2nix costs, compared with what you would run instead: processor seconds of whole processes, medians
of programs that take turns on one machine. Seconds differ between machines, ratios hardly; a high load makes
all of them worse. The goals are our own, and not all of them are met. `python benchmarks/table.py` writes
this page.
"""


@dataclass(frozen=True)
class Row:
    """A line of the table. ``result`` finds the lines of the output that hold what is shown."""

    what: str
    goal: str
    command: str
    result: str


ROWS = {
    "generate": Row(
        "`generate` of what is generated already, against `uv export`",
        "8",
        "python benchmarks/generate_speed.py LOCK… --rounds 9",
        r"^(.+: uv export .+?) \(least",
    ),
    "start": Row(
        "`uvlock2nix --help` against `import click`",
        "1.5",
        "python benchmarks/startup.py 15",
        r"^(ratio [0-9.]+)",
    ),
    "classify": Row(
        "`classify` of 10,000 to 100,000 packages, four shapes",
        "1.0 (linear)",
        "python benchmarks/linear.py",
        r"^(\w+:|  +[0-9]+: .+)$",
    ),
    "generate-linear": Row(
        "`generate` of 10,000 to 40,000 packages, by shape",
        "1.0 (linear)",
        "python benchmarks/linear.py --command generate --sizes 10000,20000,40000",
        r"^(\w+:|  +[0-9]+: .+)$",
    ),
    "check-linear": Row(
        "`check` of 10,000 and 20,000 packages, four shapes",
        "1.0 (linear)",
        "python benchmarks/linear.py --command check --sizes 10000,20000",
        r"^(\w+:|  +[0-9]+: .+)$",
    ),
    "small": Row(
        "deps of 7 wheels, and the whole way to a package, against `uv sync`",
        "1.6, 1.3",
        "python benchmarks/builds.py --rounds 3",
        r"^((?:deps|whole|with links): .+)$",
    ),
    "large": Row(
        "deps of 149 wheels (crewAI f4731f50, 12,849 files, 860 MB), and the whole way, against `uv sync`",
        "1.15, 1.3",
        "python benchmarks/builds.py LARGE --all-packages --rounds 1",
        r"^((?:deps|whole|with links): .+)$",
    ),
    "disk": Row(
        "disk after the whole way of these 149 wheels, against the finished environment, by link mode",
        "1.8 with copies, 1.1 with links",
        "python benchmarks/builds.py LARGE --all-packages --only disk",
        r"^(disk, .+)$",
    ),
    "compiled": Row(
        "deps of authentik, much of it compiled, against `uv sync`",
        "0.6",
        "python benchmarks/builds.py fixtures/authentik --only deps --rounds 1",
        r"^(deps: .+)$",
    ),
    "strip": Row(
        "strip and audit of a tree of 11,878 files, 223 of them compiled, 760 MiB, against one `grep -r`",
        "2.0 (strip --audit)",
        "python -m benchmarks.refs_strip TREE",
        r"^((?:wall|CPU): grep .+)$",
    ),
    "restore": Row(
        "restore of every file, libraries looked for or not, against one `patchelf` for each file",
        "0.9 of what it was",
        "python -m benchmarks.refs_restore TREE LIBRARIES INTERPRETER",
        r"^(.*patchelf for each of .*)$",
    ),
}


def keep(row: str, output: str, kept: dict[str, dict[str, str]]) -> None:
    """Take what a row shows out of the output of its command."""
    found = re.findall(ROWS[row].result, output, re.MULTILINE)
    if not found:
        raise SystemExit(f"{row}: the output has no result:\n{output[-2000:]}")
    load = LOAD.search(output)
    kept[row] = {
        "seen": "\n".join(line.strip() for line in found),
        "day": dt.datetime.now(dt.UTC).date().isoformat(),
        "load": load[1] if load else "?",
    }


def page(kept: dict[str, dict[str, str]]) -> str:
    """The text of docs/speed.md."""
    parts = [HEAD]
    for name, row in ROWS.items():
        head = f"\n## {row.what[0].upper()}{row.what[1:]}\n\nGoal: {row.goal}. "
        if name in kept:
            one = kept[name]
            parts.append(
                f"{head}Measured on"
                f" {one['day']} at a load of {one['load']}, with `{row.command}`:\n\n"
                f"```text\n{one['seen']}\n```\n"
            )
        else:
            parts.append(f"{head}Not measured on this version; `{row.command}` would.\n")
    return "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []])
    parser.add_argument("--log", action="append", default=[], metavar="ROW=FILE")
    parser.add_argument("--project", default="LARGE", help="What LARGE and LOCK… stand for.")
    asked = parser.parse_args()
    kept: dict[str, dict[str, str]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for given in asked.log:
        name, _, file = given.partition("=")
        keep(name, Path(file).read_text(), kept)
    for name in asked.rows:
        command = ROWS[name].command.replace("LARGE", asked.project).replace("LOCK…", "")
        argv = [sys.executable, *shlex.split(command)[1:]]
        done = subprocess.run(argv, cwd=REPO, capture_output=True, text=True, check=True)
        keep(name, done.stdout, kept)
    KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(kept))


if __name__ == "__main__":
    main()
