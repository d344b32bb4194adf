"""Launchers: the programs of entry points.

https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.regex import regex

_REFERENCE: Final = regex(r"([\w.]+)\s*:\s*([\w.]+)\s*(?:\[.*\])?\Z")
_INTERPRETER: Final = regex(r"python[0-9.]*t?")
_NAME: Final = regex(r"[^/\x00-\x1f]+\Z")
# The kernel's limit for the first line of a script; longer ones go through /bin/sh.
SHEBANG_LIMIT: Final = 127

TEMPLATE: Final = """\
# -*- coding: utf-8 -*-
import os
import sys
path = os.environ.get("PATH", os.defpath)
if path.split(os.pathsep)[0] != {folder!r}:
    os.environ["PATH"] = {folder!r} + os.pathsep + path
from {module} import {top}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({attribute}())
"""


def shebang(python: Path) -> str:
    """The first line (or lines) that run a file with ``python``."""
    direct = f"#!{python}\n"
    if len(direct) <= SHEBANG_LIMIT and " " not in str(python):
        return direct
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"


def launcher(reference: str, python: Path, *, what: str) -> str:
    """The text of a launcher for ``module:attribute``.

    Programs that it starts find those next to ``python`` first, as with `uv run`.

    Raises:
        InputError: the reference is invalid: nothing else may get into the text.
    """
    match = _REFERENCE.match(reference.strip())
    if match is None or not all(part.isidentifier() for part in f"{match[1]}.{match[2]}".split(".")):
        raise InputError(
            f"{what}: entry point {reference!r} is not `module:attribute`",
            hint="report it to the package's maintainers",
        )
    module, attribute = match[1], match[2]
    names = {"module": module, "top": attribute.split(".")[0], "attribute": attribute}
    return shebang(python) + TEMPLATE.format(folder=os.fspath(python.parent), **names)


def write_launchers(bin_dir: Path, python: Path, points: Mapping[str, str], *, package: str) -> list[str]:
    """Write a launcher for each entry point of one package; return the names written."""
    written: list[str] = []
    for name, reference in sorted(points.items()):
        if not _NAME.match(name) or name in {".", ".."}:
            raise InputError(
                f"{package}: the name of entry point {name!r} is not a file name",
                hint="report it to the package's maintainers",
            )
        if is_interpreter(name):
            continue  # would replace the interpreter
        path = bin_dir / name
        path.unlink(missing_ok=True)
        path.write_text(launcher(reference, python, what=package), encoding="utf-8")
        path.chmod(0o755)
        written.append(name)
    return written


def is_launcher(path: Path, reference: str, python: Path, *, what: str) -> bool:
    """Whether a file is the launcher for ``reference`` that we write."""
    text = launcher(reference, python, what=what).encode()
    try:
        return path.stat().st_size == len(text) and path.read_bytes() == text
    except OSError:
        return False


def is_interpreter(name: str) -> bool:
    """Whether a file of that name in ``bin`` is a Python interpreter, such as ``python3.13t``."""
    return _INTERPRETER.fullmatch(name) is not None
