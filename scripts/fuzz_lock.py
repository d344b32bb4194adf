"""Feed damaged locks to the reader for a while: nothing may end in a traceback, hang or eat memory.

    python scripts/fuzz_lock.py [--seconds 60] [--seed N] FOLDER…

FOLDER holds uv.lock (or pylock.toml) and pyproject.toml. Each round damages the bytes of one of the files
(lines dropped, doubled, swapped, values replaced, bytes flipped, tails cut), reads the project, resolves
it for two targets and chooses the files. Only the project's own errors may come out, each with a hint; the
process has an address-space limit, and a round that takes longer than ten seconds is a finding.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.errors import NoArtifactError, Uvlock2nixError
from uvlock2nix.lock import Selection, check_lock_matches, load_project, resolve
from uvlock2nix.target import Target

LIMIT = 1 << 30
SLOW_SECONDS = 10.0
TARGETS = (Target.parse("x86_64-linux", "3.13"), Target.parse("aarch64-darwin", "3.13"))
SELECTIONS = (Selection(default_groups=True), Selection(all_packages=True, all_groups=True, all_extras=True))
ODD_VALUES = [
    b'""',
    b"[]",
    b"{}",
    b"3",
    b"-1",
    b"9999999999999999999999",
    b"1e400",
    b"nan",
    b"true",
    b'"\\u0000"',
    b'"../../etc/passwd"',
    b'"https://x.example/%2e%2e"',
    b"1979-05-27T07:32:00Z",
    b"[" * 200 + b"]" * 200,
    b'"' + b"(" * 500 + b'"',
    b"\"os_name == 'a' and extra == 'extra-1-a-b'\"",
    b'"' + b"x" * 100_000 + b'"',
    b'">=' + b"9" * 5000 + b'"',
    b'"a-' + b"9" * 5000 + b'-py3-none-any.whl"',
    b"\xff\xfe",
]
_VALUE = re.compile(rb'"[^"\n]*"')


def damage(data: bytes, rng: random.Random) -> bytes:
    """The same bytes with one to four things changed."""
    for _ in range(rng.randint(1, 4)):
        lines = data.split(b"\n")
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(other, lines[at])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3 | 4:
                odd = rng.choice(ODD_VALUES)
                found = list(_VALUE.finditer(lines[at]))
                if found:
                    spot = rng.choice(found)
                    lines[at] = lines[at][: spot.start()] + odd + lines[at][spot.end() :]
            case 5:
                text = bytearray(b"\n".join(lines))
                text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
                lines = bytes(text).split(b"\n")
            case 6:
                lines = lines[: max(at, 1)]
            case _:
                lines[at:at] = lines[other : other + rng.randint(1, 30)]
        data = b"\n".join(lines)
    return data


def one_round(folder: Path) -> str:
    """What became of the project: ``read``, or the class of the error. Raises what should not happen."""
    try:
        project = load_project(folder)
        check_lock_matches(project)
    except Uvlock2nixError as error:
        if not error.message or not error.hint:
            raise AssertionError(f"an error without words: {error!r}") from error
        return type(error).__name__
    for selection in SELECTIONS:
        for target in TARGETS:
            with suppress(Uvlock2nixError):
                policy = BuildPolicy.from_settings(project.uv)
                for entry in resolve(project, selection, target).packages:
                    with suppress(NoArtifactError):
                        choose(entry.package, target, policy)
    return "read"


def main() -> int:
    """Run rounds until the time is over; 1 if something was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    outcomes: Counter[str] = Counter()
    found, seed, slowest, end = 0, options.seed, 0.0, time.monotonic() + options.seconds
    while time.monotonic() < end:
        seed += 1
        rng = random.Random(seed)
        folder = rng.choice(options.folders)
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary) / "project"
            shutil.copytree(folder, place)
            names = sorted(place.rglob("uv.lock")) * 3 + sorted(place.rglob("pyproject.toml"))
            victim = rng.choice(names)
            victim.write_bytes(damage(victim.read_bytes(), rng))
            started = time.process_time()
            try:
                outcomes[one_round(place)] += 1
            except BaseException:
                found += 1
                print(f"seed {seed}, {folder.name}, {victim.name}:")
                traceback.print_exc()
            taken = time.process_time() - started
            slowest = max(slowest, taken)
            if taken > SLOW_SECONDS:
                found += 1
                print(f"seed {seed}, {folder.name}: {taken:.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    rounds = f"{seed - options.seed} rounds, {dict(outcomes)}"
    print(f"{rounds}, slowest {slowest:.2f} s, peak {peak} MiB, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
