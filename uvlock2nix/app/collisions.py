"""Paths that several packages ship: the notes on them, read from the log of the build that decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from uvlock2nix.collision_pins import Collision
from uvlock2nix.lock import Member
from uvlock2nix.pins import Pins
from uvlock2nix.regex import regex

# As sync prints it. A build may print anything, so no more than this is accepted.
_LINE: Final = regex(
    r"uvlock2nix: (?P<path>[\x20-\x7e]{1,300}?): shipped by (?P<packages>[a-z0-9, -]{1,2000}); "
    r"kept: (?P<kept>[a-z0-9-]{1,200})\Z"
)
_CASE: Final = regex(r"uvlock2nix: differ only in case: (?P<paths>[^\x00-\x1f\x7f-\x9f]{1,2000})\Z")
_MOST: Final = 200


def read_collisions(lines: Iterable[str]) -> tuple[Collision, ...]:
    """The collisions in a log of deps, sorted by path."""
    found: dict[str, Collision] = {}
    for line in lines:
        match = _LINE.search(line.rstrip())
        if match is not None and len(found) < _MOST:
            packages = tuple(sorted(match["packages"].split(", ")))
            found[match["path"]] = Collision(match["path"], packages, match["kept"])
    return tuple(found[path] for path in sorted(found))


def case_notes(lines: Iterable[str]) -> tuple[str, ...]:
    """Notes on paths of a darwin environment that differ only in case, from its log."""
    matches = (_CASE.search(line.rstrip()) for line in lines)
    paths = list(dict.fromkeys(match["paths"] for match in matches if match is not None))
    others = len(paths) - 1
    more = f" (and {others} more such group{'s' if others > 1 else ''})" if others else ""
    return tuple(
        f"{one}{more} differ only in case: a case-insensitive file system, as on most Macs, keeps one of"
        " them; keep the Nix store on a case-sensitive volume"
        for one in paths[:1]
    )


def notes(pins: Pins, keys: dict[str, str], members: Iterable[Member]) -> tuple[str, ...]:
    """Notes on the collisions in ``pins``; ``keys``: system → the current key of deps.

    Collisions of a different key are left out, and those with a program that the project (``members``) no
    longer has.
    """
    own = {(member.name, f"bin/{name}") for member in members for name in programs_of(member)}
    names = {member.name for member in members}
    found: dict[str, None] = {}
    for pin in pins.hashes:
        if pin.system in keys and pin.is_for(keys[pin.system]):
            for one in pin.collisions:
                if one.kept not in names or (one.kept, one.path) in own:
                    found[note(one, own=one.kept in names)] = None
    return tuple(found)


def note(one: Collision, *, own: bool) -> str:
    """A note on a collision."""
    others = ", ".join(one.packages)
    choose = "" if own else f'; to choose: "{one.path}" = "NAME" under [tool.uvlock2nix.collisions]'
    return f"{one.path} is in {others}; the file of {one.kept} is kept{choose}"


def programs_of(member: Member) -> tuple[str, ...]:
    """The names of the programs that a local package declares."""
    return tuple(name for name, _ in (*member.scripts, *member.gui_scripts))
