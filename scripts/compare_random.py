"""Make random workspaces, let uv lock them, and compare our environments with ``uv sync --dry-run``.

    python scripts/compare_random.py [--seed N] [--count N] --python PATH…

Nothing is fetched: the packages are stub wheels in a folder that serves as the only index. The workspaces
have members, extras, dependency groups, declared conflicts of all three kinds, several versions of one
package and markers, and are asked with random flags. Exit code 1 if an environment differs, or if only one
side refuses.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.compare_oracle import selection_of
from scripts.compare_wheels import PLATFORMS
from scripts.random_workspaces import make_index, make_workspace, mutate, random_flags
from scripts.stub_index import find_uv
from uvlock2nix.errors import ConflictError, Uvlock2nixError
from uvlock2nix.lock import check_lock_matches, load_project, resolve
from uvlock2nix.target import Target

ASKED = ["x86_64-manylinux_2_40", "aarch64-manylinux_2_28", "aarch64-apple-darwin"]
_INSTALLED = re.compile(r"^ \+ ([a-z0-9-]+)(?:==(\S+?)| @ (\S+))( \(from .*\))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and uv's answer: names with versions, or its error."""

    flags: tuple[str, ...]
    platform: str
    python: str


def run_uv(folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    environment |= {
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        "UV_NO_SYSTEM_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return subprocess.run(
        [find_uv() or "uv", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@functools.cache
def version_of(python: str) -> str:
    """The full release of an interpreter."""
    command = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def compare(folder: Path, asked: Asked) -> str | None:
    """What differs, None if both give the same (or both refuse)."""
    result = run_uv(
        folder,
        [
            "sync",
            "--frozen",
            "--dry-run",
            "--python",
            asked.python,
            "--python-platform",
            asked.platform,
            *asked.flags,
        ],
    )
    system, libc, macos = PLATFORMS[asked.platform]
    try:
        environment = resolve(
            load_project(folder),
            selection_of(asked.flags),
            Target.parse(system, version_of(asked.python), libc=libc, macos=macos),
        )
        ours = {(entry.package.name, entry.package.version) for entry in environment.packages}
        refused = None
    except Uvlock2nixError as error:
        ours, refused = set(), error
    if result.returncode:
        is_conflict = "are incompatible with the" in result.stderr or "onflicting" in result.stderr
        if refused is None:
            return f"uv refuses, we do not: {result.stderr.strip()[-300:]}"
        if is_conflict != isinstance(refused, ConflictError):
            return f"refused differently: {refused.message!r}, uv {result.stderr.strip()[-200:]!r}"
        return None
    theirs = {(name, version or "0.1.0") for name, version, _, _ in _INSTALLED.findall(result.stderr)}
    if refused is not None:
        return f"we refuse, uv does not: {refused.message}"
    if ours != theirs:
        return f"we only {sorted(map(str, ours - theirs))}, uv only {sorted(map(str, theirs - ours))}"
    return None


def compare_staleness(rng: random.Random, folder: Path, python: str) -> tuple[str, bool, bool]:
    """What was changed, whether uv calls the lock stale, and whether we do."""
    name = mutate(rng, folder)
    result = run_uv(folder, ["lock", "--check", "--python", python])
    try:
        ours = bool(check_lock_matches(load_project(folder)))
    except Uvlock2nixError:
        ours = True
    return name, result.returncode != 0, ours


def make(seed: int, base: Path, python: str) -> Path | None:
    """The workspace of a seed, locked by uv; None if uv finds no solution."""
    rng = random.Random(seed)
    index, folder = base / "index", base / "workspace"
    index.mkdir(parents=True)
    folder.mkdir()
    make_index(rng, index)
    make_workspace(rng, folder, index)
    return folder if run_uv(folder, ["lock", "--python", python]).returncode == 0 else None


def main() -> int:
    """Make, ask and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--questions", type=int, default=8)
    parser.add_argument("--python", nargs="+", required=True)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    locked = asked = wrong = with_conflicts = stale_by_uv = stale_by_us = 0
    for seed in range(options.seed, options.seed + options.count):
        rng = random.Random(f"questions {seed}")
        with tempfile.TemporaryDirectory() as temporary:
            base = options.keep / str(seed) if options.keep else Path(temporary)
            folder = make(seed, base, options.python[0])
            if folder is None:
                continue
            locked += 1
            with_conflicts += "conflicts = " in (folder / "uv.lock").read_text()
            if stale := check_lock_matches(load_project(folder)):
                wrong += 1
                print(f"seed {seed}: a fresh lock is called stale: {stale}")
            for _ in range(options.questions):
                question = Asked(random_flags(rng, folder), rng.choice(ASKED), rng.choice(options.python))
                difference = compare(folder, question)
                asked += 1
                if difference is not None:
                    wrong += 1
                    print(f"seed {seed} {question.flags} {question.platform} {question.python}: {difference}")
            name, by_uv, by_us = compare_staleness(rng, folder, options.python[0])
            stale_by_uv, stale_by_us = stale_by_uv + by_uv, stale_by_us + by_us
            if by_us != by_uv:
                wrong += by_us
                print(f"seed {seed}: {name}: stale by uv: {by_uv}, by us: {by_us}")
    print(f"changed projects: {stale_by_uv} stale by uv, {stale_by_us} by us")
    print(f"{locked} locks ({with_conflicts} with conflicts), {asked} questions, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
