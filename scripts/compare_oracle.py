"""Compare our environments with uv's recorded answers, for any folder of locks.

    python scripts/compare_oracle.py FOLDER [PROJECT…]

FOLDER holds ``oracle.json`` and one folder a lock; the format is in fixtures/locks/README.md. Every
answer of every variant is compared by name, version and source kind; a variant that uv refuses must be
refused, with every name of the conflict in the message. Exit code 1 if anything differs.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from uvlock2nix.errors import ConflictError, SelectionError
from uvlock2nix.lock import Environment, Project, Selection, load_project, resolve
from uvlock2nix.target import Target

Key = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One answer that is not uv's."""

    project: str
    variant: str
    environment: str
    text: str


def target_of(environment: Mapping[str, str]) -> Target:
    """The target of a recorded marker environment."""
    machine = environment["platform_machine"]
    if environment["sys_platform"] == "darwin":
        system = "aarch64-darwin" if machine == "arm64" else "x86_64-darwin"
    else:
        system = f"{machine}-linux"
    target = Target.parse(system, environment["python_full_version"])
    ours = target.marker_environment()
    wrong = {key: value for key, value in environment.items() if key != "extra" and ours.get(key) != value}
    if wrong:
        raise SystemExit(f"marker environment differs from ours: {wrong}")
    return target


def selection_of(args: Sequence[str]) -> Selection:
    """uv's flags → our selection; without a group flag uv takes the default groups."""
    lists: dict[str, list[str]] = {}
    flags: set[str] = set()
    items = iter(args)
    for flag in items:
        if flag in {"--package", "--extra", "--no-extra", "--group", "--no-group", "--only-group"}:
            lists.setdefault(flag, []).append(next(items))
        else:
            flags.add(flag)
    known = {
        "--no-dev",
        "--no-default-groups",
        "--all-extras",
        "--all-groups",
        "--all-packages",
        "--dev",
        "--only-dev",
    }
    if flags - known:
        raise SystemExit(f"unknown flags {sorted(flags - known)}")
    groups = [*lists.get("--group", ()), *(["dev"] if "--dev" in flags else [])]
    return Selection(
        packages=tuple(lists.get("--package", ())),
        all_packages="--all-packages" in flags,
        extras=tuple(lists.get("--extra", ())),
        no_extras=tuple(lists.get("--no-extra", ())),
        all_extras="--all-extras" in flags,
        groups=tuple(groups),
        no_groups=tuple(lists.get("--no-group", ())),
        only_groups=(*lists.get("--only-group", ()), *(("dev",) if "--only-dev" in flags else ())),
        all_groups="--all-groups" in flags,
        default_groups="--no-default-groups" not in flags,
        no_dev="--no-dev" in flags,
    )


def keys_of(environment: Environment) -> frozenset[Key]:
    """Name, version and source kind of each package."""
    return frozenset(
        (entry.package.name, entry.package.version, entry.package.source.kind)
        for entry in environment.packages
    )


def compare_project(
    folder: Path, name: str, recorded: Mapping[str, Any], targets: Mapping[str, Target]
) -> Iterator[Difference | None]:
    """One item an answer: None where it equals uv's."""
    project = load_project(folder / recorded["root"])
    packages = [tuple(package[:3]) for package in recorded["packages"]]
    for variant, answer in recorded["variants"].items():
        selection = selection_of(answer["args"])
        if answer["error"]:
            yield compare_refusal(project, name, variant, selection, answer["error"], targets)
            continue
        for environment, number in answer["envs"].items():
            expected = frozenset(packages[index] for index in recorded["sets"][number])
            try:
                ours = keys_of(resolve(project, selection, targets[environment]))
            except (ConflictError, SelectionError) as error:
                yield Difference(name, variant, environment, f"refused: {error.message}")
                continue
            # The answers have no version for source trees on disk: there name and kind decide.
            bare = {key for key in expected if key[1] is None}
            ours = frozenset(
                (key[0], None, key[2]) if (key[0], None, key[2]) in bare else key for key in ours
            )
            missing, extra = expected - ours, ours - expected
            text = f"missing {sorted(map(str, missing))[:6]}, too many {sorted(map(str, extra))[:6]}"
            yield Difference(name, variant, environment, text) if missing or extra else None


def compare_refusal(
    project: Project, name: str, variant: str, selection: Selection, error: str, targets: Mapping[str, Target]
) -> Difference | None:
    """uv refused: so must we, and name every item that uv names before its list of the declared set."""
    named = re.findall(r"`([^`]+)`", error.partition("declared conflicts")[0])
    for environment, target in targets.items():
        try:
            resolve(project, selection, target)
        except ConflictError as refusal:
            lost = [item for item in named if item not in refusal.message]
            return Difference(name, variant, environment, f"message lacks {lost}") if lost else None
        except SelectionError:
            continue
        return Difference(name, variant, environment, "not refused")
    return Difference(name, variant, "-", "no environment fits")


def main(arguments: Sequence[str]) -> int:
    """Compare and print; 1 if anything differs."""
    folder, wanted = Path(arguments[0]), set(arguments[1:])
    oracle = json.loads((folder / "oracle.json").read_text())
    targets = {name: target_of(environment) for name, environment in oracle["envs"].items()}
    total, wrong, started = 0, 0, time.monotonic()
    for name, recorded in oracle["projects"].items():
        if wanted and name not in wanted:
            continue
        results = list(compare_project(folder, name, recorded, targets))
        differing = [result for result in results if result is not None]
        total, wrong = total + len(results), wrong + len(differing)
        print(f"{name}: {len(results) - len(differing)} of {len(results)} equal")
        for result in differing[:10]:
            print(f"  {result.variant} on {result.environment}: {result.text}")
    print(f"{total - wrong} of {total} answers equal, {time.monotonic() - started:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
