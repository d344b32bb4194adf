"""Count, over a folder of real locks, where packages come from and how sure we are of what their builds need.

    python scripts/count_locks.py FOLDER [--all] [--from-nixpkgs none] [--no-network] [--list]

Each lock is resolved for Linux x86_64 and the newest Python that it admits: all members, no groups, no
extras; with ``--all`` also all extras and groups, where the lock admits them together. Sdists that the table
does not know are fetched (once, by their hash) and inspected. A package without a class or without a reason
ends the program with an error.

``known``: in the table, in PEP 725 metadata; ``inspected``: read from its build files; ``pure``: runs no
compiler; ``unknown``: each is listed with the reason.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from uvlock2nix.app.gather import candidates, with_inspections  # noqa: E402
from uvlock2nix.app.reporter import Silent  # noqa: E402
from uvlock2nix.classify.knowledge import Knowledge  # noqa: E402
from uvlock2nix.classify.packages import (  # noqa: E402
    CLASSES,
    Classification,
    ClassifiedPackage,
    ClassifyPolicy,
)
from uvlock2nix.classify.policy import parse_level  # noqa: E402
from uvlock2nix.errors import ConflictError, Uvlock2nixError  # noqa: E402
from uvlock2nix.lock import Environment, Project, Selection, load_project, resolve  # noqa: E402
from uvlock2nix.target import Target  # noqa: E402

PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10")
BUILT = ("known", "inspected", "pure", "unknown")


@dataclass
class Totals:
    """What was counted over all locks; ``sdists`` are name and version → how sure."""

    classes: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    sdists: dict[tuple[str, str | None], tuple[str, str]] = field(default_factory=dict)


def environment_of(project: Project, everything: bool) -> tuple[Environment, Target, str]:
    """The environment on the newest Python that admits one, and what was selected."""
    widest = Selection(all_packages=True, all_extras=True, all_groups=True)
    selections = [(widest, "all")] if everything else []
    selections += [(Selection(all_packages=True), "members"), (Selection(), "root")]
    problem: Uvlock2nixError | None = None
    for selection, label in selections:
        for python in PYTHONS:
            target = Target.parse("x86_64-linux", python)
            try:
                return resolve(project, selection, target), target, label
            except ConflictError as error:
                problem = error
                break
            except Uvlock2nixError as error:
                problem = error
    raise SystemExit(f"{project.root}: no environment: {problem}")


def checked(packages: tuple[ClassifiedPackage, ...], where: str) -> None:
    """Every package has a class, and reasons that say something."""
    for package in packages:
        if package.class_ not in CLASSES or not package.reasons or not all(map(str.strip, package.reasons)):
            raise SystemExit(f"{where}: {package.name} has no class or no reason: {package}")


def count(root: Path, options: argparse.Namespace, totals: Totals) -> str:
    """Classify one lock; a line of the table."""
    project = load_project(root)
    environment, target, label = environment_of(project, options.all)
    policy = ClassifyPolicy(from_nixpkgs=parse_level(options.from_nixpkgs), strict=False)
    work = Classification(project, environment, target, Knowledge.default(), policy)
    unknown = candidates(work.drafts, project.root)
    if unknown:
        learnt = with_inspections(work.knowledge, unknown, Silent(), network=not options.no_network)
        work.learn(learnt, [one.name for one in unknown])
    packages = work.packages()
    checked(packages, str(root))
    classes = Counter(package.class_ for package in packages)
    known = Counter(package.known for package in packages if package.known)
    totals.classes += classes
    totals.known += known
    for package in packages:
        if package.known:
            totals.sdists[package.name, package.version] = (package.known, package.reasons[-1])
    name = root.relative_to(options.folder).as_posix()
    shown = "  ".join(f"{known[how]:5}" for how in BUILT)
    rest = ", ".join(f"{n} {class_}" for class_, n in sorted(classes.items()))
    return f"{name:44} {target.python.minor:5} {label:8} {len(packages):5}  {shown}  {rest}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="with all extras and groups")
    parser.add_argument("--from-nixpkgs", default="none")
    parser.add_argument("--no-network", action="store_true")
    parser.add_argument("--list", action="store_true", help="list every sdist with its reason")
    options = parser.parse_args()
    totals = Totals()
    print(f"{'lock':44} {'py':5} {'what':8} {'all':>5}  " + "  ".join(f"{how[:9]:>5}" for how in BUILT))
    for lock in sorted(options.folder.rglob("uv.lock")):
        print(count(lock.parent, options, totals), flush=True)
    print(f"together: {sum(totals.classes.values())} packages: {dict(sorted(totals.classes.items()))}")
    print(f"to be built: {dict(totals.known)}")
    single = Counter(how for how, _ in totals.sdists.values())
    print(f"each name and version once: {len(totals.sdists)}: {dict(single)}")
    for (name, version), (how, reason) in sorted(
        totals.sdists.items(), key=lambda item: (item[1][0], item[0][0])
    ):
        if how == "unknown" or options.list:
            print(f"  {how:9} {name} {version or ''}: {reason}")


if __name__ == "__main__":
    main()
