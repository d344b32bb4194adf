"""The name of a wheel file → its parts.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from uvlock2nix.regex import regex

_TAG = regex(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*")
_BUILD = regex(r"([0-9]{1,18})([A-Za-z0-9_.]*)")


class TagSets(NamedTuple):
    """The tags of a wheel: it runs if some combination of Python, ABI and platform matches."""

    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]


class WheelName(NamedTuple):
    """Parts of a wheel's name. ``build`` sorts: () without a build tag, else its number, then the rest."""

    name: str
    version: str
    build: tuple[int, str] | tuple[()]
    tags: TagSets


def parse_wheel_name(filename: str) -> WheelName | None:
    """The parts of ``filename``, None if it is not a valid wheel name."""
    if not filename.endswith(".whl"):
        return None
    parts = filename[:-4].split("-")
    build: tuple[int, str] | tuple[()] = ()
    if len(parts) == 6:
        match = _BUILD.fullmatch(parts.pop(2))
        if match is None:
            return None
        build = (int(match[1]), match[2])
    tags = _tag_sets(*parts[2:]) if len(parts) == 5 else None
    return WheelName(parts[0], parts[1], build, tags) if tags is not None else None


@lru_cache(maxsize=4096)
def _tag_sets(python: str, abi: str, platform: str) -> TagSets | None:
    if not (_TAG.fullmatch(python) and _TAG.fullmatch(abi) and _TAG.fullmatch(platform)):
        return None
    return TagSets(*(tuple(tag.split(".")) for tag in (python, abi, platform)))
