"""Paths that several packages ship with different bytes, as recorded in pins (``collisions``).

Mode `sync` finds them during the installation, and records them with the hash: ``{"<path>": {"packages":
["<package>"], "kept": "<package>"}}``. Mode `files` compares the wheels on their servers, which takes the
network; the result is recorded, so that every run reports it: ``{"<system>": {"of": "<digest of the wheels>",
"paths": {"<path>": ["<package>"]}, "unread": {"<package>": "<why>"}}}``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from uvlock2nix.regex import regex

_OF: Final = regex(r"[0-9a-f]{16}\Z")
_NAME: Final = regex(r"[a-z0-9][a-z0-9._-]{0,200}\Z")
_TEXT: Final = regex(r"[^\x00-\x1f\x7f]{1,300}\Z")
MOST: Final = 200


class Collision(NamedTuple):
    """A path (``bin/x``, or below site-packages) of several packages; the file of ``kept`` is kept."""

    path: str
    packages: tuple[str, ...]
    kept: str


def kept_to_json(collisions: tuple[Collision, ...]) -> dict[str, object]:
    """The object under ``collisions`` of a hash."""
    return {one.path: {"packages": list(one.packages), "kept": one.kept} for one in collisions}


def kept_from_json(value: object, where: str, problems: list[str]) -> tuple[Collision, ...]:
    """The values of the object under ``collisions`` of a hash; problems are added to ``problems``."""
    if not isinstance(value, dict):
        problems.append(f'"{where}" must be an object')
        return ()
    found = []
    for path, item in sorted(value.items()):
        entry = item if isinstance(item, dict) else {}
        packages, kept = entry.get("packages"), entry.get("kept")
        texts = [path, kept, *packages] if isinstance(packages, list) else [None]
        if not all(isinstance(one, str) and one.isprintable() for one in texts):
            problems.append(f'"{where}.{path}" must name "packages" and which of them is "kept"')
            continue
        found.append(Collision(path, tuple(map(str, texts[2:])), str(kept)))
    return tuple(found)


class WheelCollisions(NamedTuple):
    """The collisions on a system.

    ``made_from`` is a digest of the wheels; ``paths`` has (path below site-packages or ``bin/x``, its
    packages by name), at most :data:`MOST`; ``unread`` (package, why its wheel could not be compared); both
    are sorted.
    """

    made_from: str
    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


FoundCollisions = tuple[tuple[str, WheelCollisions], ...]
"""System → its collisions, sorted by system."""


def to_json(found: FoundCollisions) -> dict[str, object]:
    """The object under ``collisions``."""
    return {
        system: {
            "of": one.made_from,
            **({"paths": {path: list(names) for path, names in one.paths}} if one.paths else {}),
            **({"unread": dict(one.unread)} if one.unread else {}),
        }
        for system, one in found
    }


def from_json(value: object, problems: list[str]) -> FoundCollisions:
    """The values of the object under ``collisions``; problems are added to ``problems``."""
    if not isinstance(value, dict):
        problems.append('"collisions" must be an object')
        return ()
    return tuple((system, _system(system, value[system], problems)) for system in sorted(value))


def _system(system: str, value: object, problems: list[str]) -> WheelCollisions:
    entry = value if isinstance(value, dict) else {}
    made_from, paths, unread = entry.get("of"), entry.get("paths", {}), entry.get("unread", {})
    good = (
        isinstance(made_from, str)
        and _OF.match(made_from)
        and isinstance(paths, dict)
        and isinstance(unread, dict)
        and all(map(_TEXT.match, paths))
        and all(map(_NAME.match, unread))
        and all(isinstance(why, str) and _TEXT.match(why) for why in unread.values())
        and all(isinstance(names, list) and all(map(_is_name, names)) for names in paths.values())
    )
    if not good:
        problems.append(f'"collisions.{system}" is not an object with a digest `of`, `paths` and `unread`')
        return WheelCollisions("")
    return WheelCollisions(
        str(made_from),
        tuple((path, tuple(paths[path])) for path in sorted(paths)),
        tuple((name, str(unread[name])) for name in sorted(unread)),
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.match(value) is not None
