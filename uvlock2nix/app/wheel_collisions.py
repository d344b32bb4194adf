"""Mode `files`: paths that several wheels ship, found before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from uvlock2nix.app.collisions import note, programs_of
from uvlock2nix.app.fetching import fetching
from uvlock2nix.app.gather import wheels_of
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.wheel_libraries import platform_wheels, shortened, wheels_digest
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.collision_pins import MOST, Collision, WheelCollisions
from uvlock2nix.dist.installed import Collision as Shipped
from uvlock2nix.dist.installed import shown, winner
from uvlock2nix.inspect.wheel_survey import programs_asked, read_all
from uvlock2nix.inspect.wheels import BIN, collisions
from uvlock2nix.lock import Member, Project
from uvlock2nix.plan import Plan
from uvlock2nix.target import Target

_OWN: Final = "bin/"


def wheel_collisions(
    packages: Sequence[ClassifiedPackage],
    members: Sequence[Member],
    target: Target,
    project: Project,
    recorded: WheelCollisions | None,
    reporter: Reporter,
) -> tuple[WheelCollisions, Mapping[str, tuple[str, ...]]]:
    """The paths that wheels ship with different content: as recorded for these same wheels, else read now.

    If they are read now, also package → the programs that run its scripts and that no wheel brings.

    Only tables of contents are read. The programs of ``members`` (local packages) count too. If some wheels
    could not be read before, all are read again.
    """
    wheels = wheels_of(packages, project.root)
    own = sorted(f"{one.name} {' '.join(programs_of(one))}" for one in members)
    made_from = wheels_digest(wheels, own)
    if recorded is not None and recorded.made_from == made_from and not recorded.unread:
        return recorded, {}
    # Wheels with compiled files were already read completely, for their libraries.
    read, large = platform_wheels(packages, project.root) if target.is_linux else ((), frozenset())
    whole = {one.name for one in read} - large
    tables = frozenset(one.name for one in wheels if one.name not in whole)
    with fetching(reporter, "comparing wheels", len(wheels), project) as (fetcher, tick):
        contents, unread = read_all(wheels, fetcher, fetcher.cache, tables, tick)
    found = {shown(one.path): set(one.packages) for one in collisions(contents)}
    for member in members:
        for name in programs_of(member) if not member.is_virtual else ():
            owners = [package for package, wheel in contents.items() if f"{BIN}{name}" in wheel.files]
            if owners:
                found.setdefault(f"{_OWN}{name}", set()).update(owners, [member.name])
    paths = sorted((path, tuple(sorted(names))) for path, names in found.items() if path.isprintable())
    collided = WheelCollisions(made_from, tuple(paths[:MOST]), tuple(sorted(unread.items())))
    return collided, programs_asked(contents)


def on_wheel_collisions(plan: Plan) -> Iterator[str]:
    """Notes on which file of a collision is kept, and which wheels could not be compared.

    Raises:
        InputError: ``[tool.uvlock2nix.collisions]`` names a package that does not ship the path.
    """
    own = {(f"{_OWN}{name}", member.name) for member in plan.members for name in programs_of(member)}
    notes: dict[str, None] = {}
    for _, found in plan.found_collisions:
        for path, names in found.paths:
            mine = next((name for name in names if (path, name) in own), None)
            kept = mine or _kept(path, names, plan.collisions)
            notes[note(Collision(path, names, kept), own=mine is not None)] = None
        if found.unread:
            why = found.unread[0][1]
            unread = shortened([name for name, _ in found.unread])
            notes[f"not compared with others, whose files they may ship too: {unread} ({why})"] = None
    yield from notes


def _kept(path: str, names: Sequence[str], choice: Mapping[str, str]) -> str:
    recorded = f"../../../{path}" if path.startswith(_OWN) else path
    return winner(Shipped(recorded, tuple(names)), sorted(names), choice)
