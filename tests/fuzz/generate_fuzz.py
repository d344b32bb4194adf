"""Fuzz what ``generate`` makes of a uv.lock and a pyproject.toml: hostile pairs, in process.

    python tests/fuzz/generate_fuzz.py COUNT [--seed N] [--keep FOLDER] [--sample N] [--locks FOLDER]
                                         [--largest BYTES]
    python tests/fuzz/generate_fuzz.py --evaluate FOLDER

Each pair is a mutation of a seed (the fixtures, ``--locks``: more projects). Anything but files or our own
error is a finding, and kept in FOLDER. ``--sample``: so many of the pairs that became files are kept too,
spread over the run; ``--evaluate`` has the stand's Nix evaluate them, and compares every text that a lock, a
project or a user chooses with what the generator meant.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.functional.test_emitted_nix import LOCK, PYPROJECT
from tests.support.emit import plan_of, read_back, read_back_all, texts
from tests.support.stand import Stand, StandCommandError
from uvlock2nix.errors import Uvlock2nixError
from uvlock2nix.plan import Plan

REPO: Final = Path(__file__).resolve().parents[2]
# What breaks out of a string, a comment, a path or a list of words where it is not escaped.
PIECES: Final = (
    '\\"', "\\\\", "${", "$${", "''", "''${", "'", "$", "\\n", "\\r", "\\t", "#", "*/", "${builtins.abort 1}",
    " ", "\\u001b", "\\u2028", "\\u202e", "é", "-", "..", "/", "/nix/store/", "@", "%", ";", "\\u0000",
)  # fmt: skip
STRING: Final = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
BLANK: Final = re.compile(r"[\s%]")
# Samples that one evaluation reads.
TOGETHER: Final = 25
LINKED: Final = ("uv.lock", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Seed:
    """A project: its folder (``None``: it has no other files), and the texts to be changed."""

    folder: Path | None
    lock: str
    pyproject: str


def seeds(more: Path | None, largest: int) -> list[Seed]:
    """The small hostile project of the tests, the fixtures, what is in ``more``; the smaller ones often.

    Locks of more than ``largest`` bytes are left out.
    """
    found = [Seed(None, LOCK.replace("HASH", "0" * 64).replace("MEMBER", "lib"), PYPROJECT)] * 12
    places = [*(REPO / "fixtures").iterdir(), *(REPO / "fixtures" / "locks").iterdir()]
    places += list(more.iterdir()) if more is not None else []
    for folder in sorted(places):
        if all((folder / name).is_file() for name in LINKED):
            lock, pyproject = ((folder / name).read_text() for name in LINKED)
            often = 8 if len(lock) < 30_000 else len(lock) < 120_000
            often = often if len(lock) <= largest else 0
            found += [Seed(folder, lock, pyproject)] * int(often)
    return found


def change(text: str, chance: random.Random) -> str:
    """One mutation of a TOML text."""
    strings = list(STRING.finditer(text))
    lines = text.split("\n")
    number = chance.randrange(len(lines))
    kind = chance.random()
    if kind < 0.6 and strings:
        one = chance.choice(strings)
        old = one[1]
        at = chance.choice((0, len(old), chance.randint(0, len(old))))
        new = "".join(chance.choices(PIECES, k=chance.randint(1, 3)))
        # Not into the middle of an escape.
        at -= (len(old[:at]) - len(old[:at].rstrip("\\"))) % 2
        whole = new if chance.random() < 0.1 else old[:at] + new + old[at:]
        return f'{text[: one.start()]}"{whole}"{text[one.end() :]}'
    if kind < 0.75 and len(strings) > 1:
        one, other = sorted(chance.sample(strings, 2), key=lambda match: match.start())
        return "".join(
            (text[: one.start()], other[0], text[one.end() : other.start()], one[0], text[other.end() :])
        )
    if kind < 0.83:
        del lines[number]
    elif kind < 0.9:
        lines.insert(chance.randrange(len(lines)), lines[number])
    elif kind < 0.95:
        lines[number] = re.sub(r"\d+", lambda _: str(chance.choice((0, 1, -1, 2**63, 1.5))), lines[number])
    else:
        at = chance.randrange(len(text) or 1)
        return text[:at] + chance.choice(('"', "[", "]", "{", "}", "=", "\n", "\x00", "\\")) + text[at + 1 :]
    return "\n".join(lines)


def pairs(every: Sequence[Seed], chance: random.Random) -> Iterator[tuple[Seed, str, str]]:
    """Seeds with one to four changes of their two texts."""
    while True:
        seed = chance.choice(every)
        lock, pyproject = seed.lock, seed.pyproject
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
            if chance.random() < 0.5:
                lock = change(lock, chance)
            else:
                pyproject = change(pyproject, chance)
        yield seed, lock, pyproject


def lay(folder: Path, seed: Seed, lock: str, pyproject: str) -> None:
    """Write a pair into ``folder``, in place of what was there of the seed."""
    (folder / "uv.lock").write_text(lock, encoding="utf-8", errors="surrogatepass")
    (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8", errors="surrogatepass")
    if seed.folder is None:
        (folder / "lib").mkdir(exist_ok=True)
        (folder / "lib" / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "0.1"\n')


def places(every: Sequence[Seed], root: Path) -> dict[Path | None, Path]:
    """Seed's folder → a copy that may be changed."""
    found: dict[Path | None, Path] = {}
    for number, seed in enumerate(every):
        if seed.folder not in found:
            found[seed.folder] = root / str(number)
            if seed.folder is None:
                found[None].mkdir()
            else:
                left_out = shutil.ignore_patterns("nix", ".venv", "__pycache__", "result")
                shutil.copytree(seed.folder, found[seed.folder], ignore=left_out, symlinks=True)
    return found


def keep(folder: Path, place: Path, why: str) -> None:
    """Keep a pair with its project."""
    shutil.copytree(place, folder, symlinks=True, dirs_exist_ok=True)
    (folder / "WHY").write_text(why)


def fuzz(count: int, seed: int, kept: Path, sample: int, every: Sequence[Seed]) -> Counter[str]:
    """Make ``count`` pairs of ``every`` seed; what came of them, by the kind of error."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as root:
        of = places(every, Path(root))
        began, taken = time.monotonic(), 0
        for number, (one, lock, pyproject) in enumerate(islice(pairs(every, chance), count), 1):
            place = of[one.folder]
            lay(place, one, lock, pyproject)
            try:
                made = texts(plan_of(place))
                assert all(text.endswith("\n") for text in made.values())
                ends["files"] += 1
                if taken < sample * number / count:
                    keep(kept / f"sample-{seed}-{number}", place, "")
                    taken += 1
            except Uvlock2nixError as error:
                ends[type(error).__name__] += 1
            except Exception:  # whatever it is, it is a finding
                ends["finding"] += 1
                if ends["finding"] <= 200:
                    keep(kept / f"finding-{seed}-{number}", place, traceback.format_exc())
            if number % 5000 == 0:
                print(f"{number} in {time.monotonic() - began:.0f} s: {dict(ends)}", flush=True)
    return ends


def as_meant(plan: Plan, found: dict[str, dict[str, Any]]) -> list[str]:
    """The texts that Nix reads otherwise than the generator meant them."""
    deps, env, package = found["deps"], found["env"], found["package"]
    natives = json.loads(deps.get("uvSyncNative") or "{}")
    flags = {
        native.name: {
            "cflags": list(native.inputs.build.cflags),
            "flags": list(native.inputs.build.flags),
            "relax": list(native.inputs.build.relax),
        }
        for native in plan.natives
    }
    members = [
        f"{one.name}={BLANK.sub(lambda blank: quote(blank[0]), str(one.path))}" for one in plan.members
    ]
    begin = f"{plan.name}-python-deps-{plan.systems[0].key}"
    pairs = {
        # Behind it may be what the pins hold.
        "deps' name": (deps["name"][: len(begin)], begin),
        "collisions": (json.loads(deps.get("uvSyncCollisions") or "{}"), dict(plan.collisions)),
        "env's name": (env["name"], f"{plan.name}-python-env"),
        "ignored libraries": (list(env.get("referencesIgnore") or []), list(plan.ignore_missing)),
        "pname": (package.get("pname"), plan.name),
        "main program": ((package.get("meta") or {}).get("mainProgram"), plan.main_program),
        "members": (list(package.get("uvPackageMembers") or []), members),
    }
    if plan.version.known is not None:
        pairs["version"] = (package.get("version"), plan.version.known)
    for name, meant in flags.items():
        for key, words in meant.items():
            pairs[f"{name} {key}"] = (list(natives.get(name, {}).get(key, [])), words)
    return [f"{what}: {read!r}, meant {meant!r}" for what, (read, meant) in pairs.items() if read != meant]


def evaluate(kept: Path) -> Counter[str]:
    """Have Nix evaluate every sample in ``kept``; prints what is not as it was meant."""
    ends: Counter[str] = Counter()
    stand = Stand("forky")
    folders = sorted(kept.glob("sample-*"))
    for first in range(0, len(folders), TOGETHER):
        plans = {folder: plan_of(folder) for folder in folders[first : first + TOGETHER]}
        try:
            read = dict(zip(plans, read_back_all(stand, plans), strict=True))
        except StandCommandError:
            read = {}  # one of them: each alone
        for folder, plan in plans.items():
            try:
                wrong = as_meant(plan, read.get(folder) or read_back(stand, folder, plan))
            except (StandCommandError, KeyError) as error:
                wrong = [f"not evaluated: {str(error)[-1500:]}"]
            ends["other than meant" if wrong else "as meant"] += 1
            for line in wrong:
                print(f"{folder.name}: {line}", flush=True)
    return ends


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "generate-fuzz")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--locks", type=Path)
    parser.add_argument("--largest", type=int, default=120_000, metavar="BYTES", help="no larger locks")
    parser.add_argument("--evaluate", type=Path)
    asked = parser.parse_args()
    if asked.evaluate is not None:
        ends = evaluate(asked.evaluate)
    else:
        every = seeds(asked.locks, asked.largest)
        ends = fuzz(asked.count, asked.seed, asked.keep, asked.sample, every)
    print(dict(ends))
    return 1 if ends["finding"] or ends["other than meant"] else 0


if __name__ == "__main__":
    sys.exit(main())
