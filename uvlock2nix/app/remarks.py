"""Notes on what was found out: what the person should know who sees only the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from uvlock2nix.app.request import Request
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage, ClassifyPolicy
from uvlock2nix.plan import Plan
from uvlock2nix.spelling import did_you_mean

MUCH: Final = 1 << 30  # bytes of wheels that are worth a warning


def size_text(count: int) -> str:
    """Bytes for people: 980 B, 3.4 kB, 12 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def on_wheels(packages: Iterable[ClassifiedPackage]) -> Iterator[str]:
    """How much there is to read, where it is much."""
    size = sum(one.choice.artifact.size or 0 for one in packages if one.choice.artifact is not None)
    if size > MUCH:
        yield (
            f"--wheels reads up to {size_text(size)}; what is read is kept, so it may be stopped and goes on"
        )


def on_classes(
    packages: Iterable[ClassifiedPackage], knowledge: Knowledge, policy: ClassifyPolicy
) -> Iterator[str]:
    """What the table of ``classify`` shows and who only generates would not see."""
    packages = tuple(packages)
    taken = [one.name for one in packages if one.from_nixpkgs]
    if taken and knowledge.own_index is None:
        yield (
            f"{len(taken)} packages come from nixpkgs as it was on {knowledge.index.date}: "
            "`uvlock2nix index update` looks at yours"
        )
    for one in packages:
        if one.name in policy.allow and not one.from_nixpkgs:
            yield f"{one.name}: {one.reasons[-1]}, although [tool.uvlock2nix.nixpkgs] allows it"


def on_strangers(asked: Request, names: Iterable[str], where: str) -> Iterator[str]:
    """Which names the lock does not have: most likely they are misspelt."""
    known = asked.project.lock.by_name
    for name in sorted(set(names) - set(known)):
        yield f"{where}: the lock has no {name}{did_you_mean(name, known)}"


def on_doubts(plan: Plan) -> tuple[str, ...]:
    """What was found out by inspection, or not at all: nobody should think that it was known."""
    notes: dict[str, None] = {}
    for one in (one for system in plan.systems for one in system.classes):
        needs = ", ".join(dict.fromkeys(one.native.build.attributes))
        if one.known == "inspected":
            found = f"by inspection of its source it needs {needs or 'nothing'}"
            notes[f"{one.name}: {found}; see `uvlock2nix classify --explain {one.name}`"] = None
        elif one.known == "unknown":
            notes[
                f"{one.name}: what its build needs is not known; if it fails, say it under "
                f"[tool.uvlock2nix.native.{one.name}]"
            ] = None
    return tuple(notes)
