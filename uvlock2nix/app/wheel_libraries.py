"""What the wheels of an environment need from outside: read from them once, then kept in the pins."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.errors import InputError
from uvlock2nix.inspect.candidate import WHEEL_EDITION, Candidate
from uvlock2nix.inspect.outside import sorted_out
from uvlock2nix.knowledge.names import soname_attribute
from uvlock2nix.lock import Project
from uvlock2nix.plan import Plan
from uvlock2nix.printable import first_of
from uvlock2nix.run_inputs import ALWAYS_THERE
from uvlock2nix.wheel_pins import ReadWheels, WheelNeeds, recordable

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
# Bytes. Of larger wheels (mostly CUDA's), only the table of contents is read: otherwise all of it would have
# to be fetched to find a few names.
LARGE: Final = 300 << 20
SHOWN: Final = 6
TOO_LARGE: Final = "it is larger than 300 MiB"


def platform_wheels(
    packages: Sequence[ClassifiedPackage], root: Path
) -> tuple[tuple[Candidate, ...], frozenset[str]]:
    """The wheels to read, and the names of those that are too large to be read completely.

    These are the wheels that may contain compiled files, and those on disk. In the others, only scripts could
    need something from outside: few have such a script, and each would take a request over the network.
    """
    found: list[Candidate] = []
    large: set[str] = set()
    for one in packages:
        artifact = one.choice.artifact
        if artifact is None or artifact.kind != "wheel" or one.from_nixpkgs:
            continue
        if artifact.path is None and artifact.filename.endswith("-any.whl"):
            continue
        place = root / artifact.path if artifact.path is not None else None
        found.append(Candidate(one.name, artifact.filename, artifact.url, place, artifact.hash))
        if (artifact.size or 0) > LARGE:
            large.add(one.name)
    return tuple(found), frozenset(large)


def wheel_needs(
    wheels: Sequence[Candidate],
    large: frozenset[str],
    recorded: WheelNeeds | None,
    reporter: Reporter,
    project: Project,
) -> WheelNeeds:
    """What ``wheels`` need: as recorded for these same wheels, else read now.

    Wheels that could not be read before, for any reason but their size, are tried again.
    """
    made_from = wheels_digest(wheels)
    same = recorded is not None and recorded.made_from == made_from
    if recorded is not None and same and all(why == TOO_LARGE for _, why in recorded.unread):
        return recorded
    from uvlock2nix.app.fetching import fetching
    from uvlock2nix.inspect.wheel_survey import from_outside

    with fetching(reporter, "reading wheels", len(wheels), project) as (fetcher, tick):
        found = from_outside(wheels, large, fetcher, fetcher.cache, tick)
    why = {**dict.fromkeys(large, TOO_LARGE), **found.unread}
    wanted = {
        name: tuple(one for one in names if not _is_there(one)) for name, names in found.sonames.items()
    }
    kept = ((name, sonames) for name, sonames in sorted(wanted.items()) if sonames)
    programs = tuple(sorted(found.programs.items()))
    return recordable(WheelNeeds(made_from, tuple(kept), tuple(sorted(why.items())), programs))


def _is_there(soname: str) -> bool:
    """Whether env always has the library."""
    return soname_attribute(soname) in ALWAYS_THERE


def recorded_needs(pins: Path) -> Mapping[str, WheelNeeds]:
    """What the pins on disk say about wheels; pins that cannot be read say nothing."""
    from uvlock2nix.pins import read_pins

    try:
        return dict(read_pins(pins).wheels)
    except InputError:
        return {}


def with_needs(knowledge: Knowledge, wheels: Sequence[Candidate], found: WheelNeeds) -> Knowledge:
    """``knowledge`` with what was read; for unread wheels, the tables are used."""
    needs, unread = dict(found.needs), dict(found.unread)
    notes: dict[str, tuple[str, ...]] = {}
    attributes: dict[str, tuple[str, ...]] = {}
    for wheel in wheels:
        outside = sorted_out(needs.get(wheel.name, ()))
        if wheel.name in unread:
            notes[wheel.name] = (f"its wheel was not read: {unread[wheel.name]}",)
            continue
        attributes[wheel.name] = outside.attributes
        said = [f"{', '.join(outside.driver)} comes with the graphics driver"] if outside.driver else []
        if outside.optional:
            said.append(f"it works without {', '.join(outside.optional)}, which nixpkgs does not have")
        if outside.unknown:
            said.append(f"its shared objects need {', '.join(outside.unknown)}, which no wheel provides")
        if said:
            notes[wheel.name] = tuple(said)
    return replace(knowledge, wheel_needs=attributes, wheel_notes=notes, read_wheels=found)


def with_read_wheels(plan: Plan, read: Mapping[str, WheelNeeds]) -> Plan:
    """``plan`` with the readings for the pins, and with the libraries that may be missing."""
    absent: dict[str, None] = dict.fromkeys(plan.ignore_missing)
    for _, found in sorted(read.items()):
        for _, sonames in found.needs:
            outside = sorted_out(sonames)
            absent.update(dict.fromkeys((*outside.driver, *outside.optional)))
    wheels: ReadWheels = tuple(sorted(read.items()))
    return plan._replace(read_wheels=wheels, ignore_missing=tuple(absent))


def on_wheel_libraries(plan: Plan) -> tuple[str, ...]:
    """Notes on what was found in wheels and what could not be read, one per kind."""
    notes: list[str] = []
    libraries: dict[str, list[str]] = {}
    for one in plan.wheel_libraries:
        for package in one.packages:
            libraries.setdefault(package, []).append(one.attr)
    if libraries:
        listed = (f"{package}: {shortened(attrs)}" for package, attrs in sorted(libraries.items()))
        notes.append(f"libraries from nixpkgs for wheels: {'; '.join(listed)}")
    every = [found for _, found in plan.read_wheels]
    unread = {name: why for found in every for name, why in found.unread}
    if unread:
        reason = next(iter(sorted(unread.items())))[1]
        notes.append(
            f"wheels that were not read completely, so that only the tables say what they need:"
            f" {shortened(sorted(unread))} ({reason})"
        )
    absent = sorted(
        {one for found in every for _, names in found.needs for one in sorted_out(names).optional}
    )
    if absent:
        notes.append(
            f"parts of wheels need {shortened(absent)}, which neither a wheel nor nixpkgs"
            " provides: they do not"
            " load, as after `uv sync`"
        )
    notes += _unknown_ones(plan)
    return tuple(notes)


def shortened(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    return first_of(names, SHOWN)


def _unknown_ones(plan: Plan) -> Iterator[str]:
    """A note for each wheel that needs an unknown library that the user did not mention."""
    from fnmatch import fnmatchcase

    told = {
        one.name
        for system in plan.systems
        for one in system.classes
        if one.native.origin.provenance == "user"
    }
    needs = {name: sonames for _, found in plan.read_wheels for name, sonames in found.needs}
    for name, sonames in sorted(needs.items()):
        unknown = [
            soname
            for soname in sorted_out(sonames).unknown
            if not any(fnmatchcase(soname, pattern) for pattern in plan.ignore_missing)
        ]
        if unknown and name not in told:
            yield _unknown(name, unknown)


def _unknown(name: str, sonames: Sequence[str]) -> str:
    listed = ", ".join(f'"{one}"' for one in sonames)
    return (
        f"{name}: its files need {', '.join(sonames)}, which no wheel provides and no table lists: add the"
        f" attribute that has it to `wheel-runtime-libs` under [tool.uvlock2nix.native.{name}], or write"
        f" ignore-missing-libraries = [{listed}] under [tool.uvlock2nix]"
    )


def wheels_digest(wheels: Sequence[Candidate], more: Sequence[str] = ()) -> str:
    """What identifies a reading of ``wheels``; ``more``: lines on what else it depends on."""
    lines = [*sorted(f"{one.name} {one.filename} {one.hash or one.path}" for one in wheels), *more]
    return hashlib.sha256("\n".join([str(WHEEL_EDITION), *lines]).encode()).hexdigest()[:16]
