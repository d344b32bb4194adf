"""Parse the shebang of a script."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from uvlock2nix.regex import regex

# Longer lines are not read.
LIMIT: Final = 4096
_LINE: Final = regex(rb"#![ \t]*(/[^ \t\r\n]+)(?:[ \t]+([^\r\n]*?))?[ \t]*\r?\n")

_PROGRAM: Final = regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\Z")


def is_program(name: str) -> bool:
    """Whether a program may be called so; a script of a hostile package may name anything."""
    return _PROGRAM.match(name) is not None


class Asked(NamedTuple):
    """The interpreter in a shebang: the program's name, and its arguments as written.

    ``split``: the arguments are split (`env -S`); the kernel would pass them as one.
    """

    program: str
    arguments: str
    split: bool = False


def asked(first: bytes, store: str = "/nix/store") -> Asked | None:
    """The interpreter in a shebang, if its path may not exist; ``None`` if there is nothing to do."""
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
