"""The programs that wheels ship as files, with a shebang that names no path."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.regex import regex

SHEBANG_LIMIT: Final = 4096
# The shebang of a script until env sets the interpreter.
PLACEHOLDER_SHEBANG: Final = b"#!python"
_SOME_PYTHON: Final = regex(rb"#!\s*(/usr(/local)?/bin/env\s+|/usr(/local)?/bin/)python[0-9.]*\s*")


@dataclass(frozen=True, slots=True)
class Script:
    """A program that a wheel ships (not an entry point): its name, its package, whether Python runs it."""

    name: str
    package: str
    python: bool


def neutral_shebang(path: Path, root: Path) -> bool:
    """Undo the installer's change to the shebang of a Python script; return whether it is one."""
    with path.open("rb") as file:
        first = file.readline(SHEBANG_LIMIT)
        if first.rstrip() == PLACEHOLDER_SHEBANG:
            return True
        second = file.readline(SHEBANG_LIMIT)
        third = file.readline(SHEBANG_LIMIT)
        rest = file.read() if first.startswith(b"#!") else b""
    interpreter = os.fsencode(root / "bin")
    if _SOME_PYTHON.fullmatch(first):
        # The first Python in PATH is never the right one outside an activated environment.
        body = second + third + rest
    elif first.startswith(b"#!" + interpreter):
        body = second + third + rest
    elif first.startswith(b"#!/bin/sh") and interpreter in second:
        # The form for long paths: `'''exec' /path/python "$0" "$@"` and `' '''`.
        body = rest
    else:
        return False
    path.write_bytes(PLACEHOLDER_SHEBANG + b"\n" + body)
    return True


def place_script(source: Path, target: Path, python: Path) -> bool:
    """Copy a script that a wheel ships into ``bin``, with its interpreter; return whether it was copied.

    A script with the name of the interpreter is left out: it would replace it.
    """
    from uvlock2nix.dist.launchers import is_interpreter, shebang

    if is_interpreter(target.name):
        return False
    target.unlink(missing_ok=True)
    with source.open("rb") as file:
        if file.readline(len(PLACEHOLDER_SHEBANG) + 3).rstrip() == PLACEHOLDER_SHEBANG:
            target.write_bytes(shebang(python).encode() + file.read())
        else:
            shutil.copyfile(source, target)
    target.chmod(0o755)
    return True
