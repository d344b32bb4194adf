"""The name of a wheel file → its parts.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*")
_BUILD = re.compile(r"([0-9]{1,18})([A-Za-z0-9_.]*)")


@dataclass(frozen=True, slots=True)
class WheelName:
    """Parts of a wheel's name. ``build`` sorts: () without a build tag, else its number, then the rest."""

    name: str
    version: str
    build: tuple[int, str] | tuple[()]
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]


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
    if len(parts) != 5 or not all(_TAG.fullmatch(tag) for tag in parts[2:]):
        return None
    pythons, abis, platforms = (tuple(tag.split(".")) for tag in parts[2:])
    return WheelName(parts[0], parts[1], build, pythons, abis, platforms)
