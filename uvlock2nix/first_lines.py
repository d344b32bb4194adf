"""What the first line of a script asks for."""

from __future__ import annotations

import os
import re
from typing import Final

from uvlock2nix.dataclass import dataclass

# No longer line is read.
LIMIT: Final = 4096
_LINE: Final = re.compile(rb"#![ \t]*(/[^ \t\r\n]+)(?:[ \t]+([^\r\n]*?))?[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a first line asks for: a program by its name, with arguments as they are written.

    ``split``: they are several (`env -S`); the kernel would pass them as one.
    """

    program: str
    arguments: str
    split: bool = False


def asked(first: bytes, store: str = "/nix/store") -> Asked | None:
    """What a first line asks for by a place that may not be there; ``None`` where there is nothing to do."""
    match = _LINE.match(first)
    if match is None:
        return None
    place, arguments = os.fsdecode(match[1]), os.fsdecode(match[2] or b"")
    if place.startswith(f"{store}/") or place == "/bin/sh":
        return None
    name, split = place.rpartition("/")[2], False
    if name == "env":
        split = arguments.startswith("-S")
        arguments = arguments.removeprefix("-S").lstrip()
        name, _, arguments = arguments.partition(" ")
        name = name.rpartition("/")[2]
    if not name or "=" in name or name.startswith("-"):
        return None
    arguments = arguments.strip()
    return Asked(name, arguments, split and " " in arguments)
