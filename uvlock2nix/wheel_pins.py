"""What wheels need from outside, as read from them: the values, and their JSON in pins (``wheels``).

Reading wheels takes the network; the result is recorded next to the hashes, so that everyone generates the
same files with or without it. ``{"<system>": {"of": "<digest of the wheels>", "needs": {"<package>":
["<soname>"]}, "programs": {"<package>": ["<program>"]}, "unread": {"<package>": "<why>"}}}``; packages that
need nothing are left out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from uvlock2nix.printable import printable
from uvlock2nix.regex import regex

_OF: Final = regex(r"[0-9a-f]{16}\Z")
_NAME: Final = regex(r"[a-z0-9][a-z0-9._-]{0,200}\Z")
_FILE: Final = regex(r"[^\x00-\x20/\x7f-\x9f\ud800-\udfff]{1,255}\Z")
_LONGEST_WHY: Final = 300
_WHY: Final = regex(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{_LONGEST_WHY}}}\Z")


class WheelNeeds(NamedTuple):
    """What was read for a system.

    ``made_from`` is a digest of the wheels; ``needs`` has (package, the sonames that neither a wheel nor the
    C library provides); ``unread`` (package, why its wheel could not be read completely); ``programs``
    (package, interpreters of its scripts that no package provides); all sorted by package.
    """

    made_from: str
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    programs: tuple[tuple[str, tuple[str, ...]], ...] = ()


ReadWheels = tuple[tuple[str, WheelNeeds], ...]
"""System → what its wheels need, sorted by system."""


def recordable(read: WheelNeeds) -> WheelNeeds:
    """``read`` as pins can hold it: names that no file can have, in a hostile wheel, count as unread."""
    odd = {name for name, files in (*read.needs, *read.programs) if not all(map(_FILE.match, files))}
    unread = {name: printable(why, _LONGEST_WHY) for name, why in read.unread}
    unread |= {name: "it names a file that cannot exist" for name in odd if name not in unread}
    return read._replace(
        needs=_possible(read.needs), unread=tuple(sorted(unread.items())), programs=_possible(read.programs)
    )


def _possible(files: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    kept = ((name, tuple(one for one in names if _FILE.match(one))) for name, names in files)
    return tuple((name, names) for name, names in kept if names)


def to_json(wheels: ReadWheels) -> dict[str, object]:
    """The object under ``wheels``."""
    return {
        system: {
            "of": one.made_from,
            **({"needs": {name: list(sonames) for name, sonames in one.needs}} if one.needs else {}),
            **({"programs": {name: list(names) for name, names in one.programs}} if one.programs else {}),
            **({"unread": dict(one.unread)} if one.unread else {}),
        }
        for system, one in wheels
    }


def from_json(value: object, problems: list[str]) -> ReadWheels:
    """The values of the object under ``wheels``; problems are added to ``problems``."""
    if not isinstance(value, dict):
        problems.append('"wheels" must be an object')
        return ()
    return tuple((system, _needs(system, value[system], problems)) for system in sorted(value))


def _needs(system: str, value: object, problems: list[str]) -> WheelNeeds:
    where = f"wheels.{system}"
    entry = value if isinstance(value, dict) else {}
    made_from, needs, unread = entry.get("of"), entry.get("needs", {}), entry.get("unread", {})
    programs = entry.get("programs", {})
    good = (
        isinstance(made_from, str)
        and _OF.match(made_from)
        and isinstance(needs, dict)
        and isinstance(programs, dict)
        and isinstance(unread, dict)
        and all(_NAME.match(name) for name in (*needs, *programs, *unread))
        and all(map(_is_names, (*needs.values(), *programs.values())))
        and all(isinstance(why, str) and _WHY.match(why) for why in unread.values())
    )
    if not good:
        problems.append(f'"{where}" is not an object with a digest `of`, `needs`, `programs` and `unread`')
        return WheelNeeds("")
    return WheelNeeds(
        str(made_from),
        tuple((name, tuple(needs[name])) for name in sorted(needs)),
        tuple((name, str(unread[name])) for name in sorted(unread)),
        tuple((name, tuple(programs[name])) for name in sorted(programs)),
    )


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and _FILE.match(one) for one in value)
