"""What two packages have and only one can: read from the log of the build that decided it, for people."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from uvlock2nix.collision_pins import Collision
from uvlock2nix.lock import Member
from uvlock2nix.pins import Pins

# As sync says it. A builder prints what it likes, so no more than this is taken from it.
_LINE: Final = re.compile(
    r"uvlock2nix: (?P<path>[\x20-\x7e]{1,300}?): shipped by (?P<packages>[a-z0-9, -]{1,2000}); "
    r"kept: (?P<kept>[a-z0-9-]{1,200})\Z"
)
_CASE: Final = re.compile(r"uvlock2nix: only case tells apart: (?P<paths>[^\x00-\x1f\x7f-\x9f]{1,2000})\Z")
_MOST: Final = 200


def read_collisions(lines: Iterable[str]) -> tuple[Collision, ...]:
    """The collisions that a log of deps names, sorted by path."""
    found: dict[str, Collision] = {}
    for line in lines:
        match = _LINE.search(line.rstrip())
        if match is not None and len(found) < _MOST:
            packages = tuple(sorted(match["packages"].split(", ")))
            found[match["path"]] = Collision(match["path"], packages, match["kept"])
    return tuple(found[path] for path in sorted(found))


def case_notes(lines: Iterable[str]) -> tuple[str, ...]:
    """What to tell about paths of a darwin environment that differ only in case, as its log names them."""
    matches = (_CASE.search(line.rstrip()) for line in lines)
    paths = list(dict.fromkeys(match["paths"] for match in matches if match is not None))
    others = len(paths) - 1
    more = f" (and {others} more such group{'s' if others > 1 else ''})" if others else ""
    return tuple(
        f"only case tells apart {one}{more}: a file system that ignores case, as macOS may have, keeps one of"
        " them; let the Nix store be on a case-sensitive volume"
        for one in paths[:1]
    )


def notes(pins: Pins, keys: dict[str, str], members: Iterable[Member]) -> tuple[str, ...]:
    """What to tell about the collisions in ``pins``; ``keys``: system → the key of deps as it should be.

    Left out are those of a different content, and those with a program that the project (``members``) no
    longer has.
    """
    own = {(member.name, f"bin/{name}") for member in members for name in programs_of(member)}
    names = {member.name for member in members}
    found: dict[str, None] = {}
    for pin in pins.hashes:
        if pin.system in keys and pin.key.startswith(keys[pin.system]):
            for one in pin.collisions:
                if one.kept not in names or (one.kept, one.path) in own:
                    found[note(one, own=one.kept in names)] = None
    return tuple(found)


def note(one: Collision, *, own: bool) -> str:
    """One collision in words."""
    others = ", ".join(one.packages)
    choose = "" if own else f'; to choose: "{one.path}" = "NAME" under [tool.uvlock2nix.collisions]'
    return f"{one.path} is in {others}; the file of {one.kept} is kept{choose}"


def programs_of(member: Member) -> tuple[str, ...]:
    """The names of the programs that a local package declares."""
    return tuple(name for name, _ in (*member.scripts, *member.gui_scripts))
