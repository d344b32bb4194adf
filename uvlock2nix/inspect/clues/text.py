"""Clues in build files: the libraries and programs that their text names.

Build scripts are programs, and untrusted programs are not run. Instead, the few idioms with which build files
name libraries are recognised; each kind of file has its own module.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from uvlock2nix.knowledge.libraries import Namespace, library_attribute
from uvlock2nix.regex import regex

_MAX_LINE: Final = 2000


@dataclass(frozen=True, slots=True)
class Clue:
    """``name`` in the namespace ``kind`` was found in ``file`` at ``line`` (1-based).

    ``attr`` is the nixpkgs attribute, ``None`` if our table does not have the name. ``optional`` is true if
    the build file itself can do without it; ``fetched`` if it fetches its own copy.
    """

    kind: Namespace
    name: str
    attr: str | None
    file: str
    line: int
    optional: bool = False
    fetched: bool = False

    def describe(self) -> str:
        """The clue in words, as in ``pkg-config module libxml-2.0``."""
        what = {
            "pkg-config": "pkg-config module",
            "linker": "library -l",
            "cmake": "CMake package",
            "programs": "program",
            "headers": "header",
            "crates": "crate",
        }
        separator = "" if self.kind == "linker" else " "
        return f"{what[self.kind]}{separator}{self.name} ({self.file}:{self.line})"


def shortened(text: str) -> str:
    """The text with lines cut that are too long to be written by a person."""
    if len(text) <= _MAX_LINE:
        return text
    return "\n".join(line[:_MAX_LINE] for line in text.split("\n"))


def without_comments(text: str) -> str:
    """Blank out comment lines; a ``#`` later in a line may be in a string and is left alone."""
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.split("\n"))


def make_clue(kind: Namespace, name: str, file: str, line: int, *, optional: bool = False) -> Clue:
    """A clue with its attribute looked up."""
    return Clue(kind, name, library_attribute(kind, name), file, line, optional)


_CFG_LIBRARIES: Final = regex(r"^[ \t]*libraries[ \t]*=[ \t]*(.{1,300})$", re.MULTILINE)
_TOML_LIBRARIES: Final = regex(r"\blibraries\s*=\s*\[([^\]]{0,500})\]")
_LIBRARY_WORD: Final = regex(r"[A-Za-z0-9_+.-]{1,50}")


def config_clues(file: str, text: str) -> Iterator[Clue]:
    """Clues of a setup.cfg or pyproject.toml: ``libraries = …``."""
    text = without_comments(text)
    lines = Lines(text)
    pattern = _CFG_LIBRARIES if file.endswith(".cfg") else _TOML_LIBRARIES
    for match in pattern.finditer(text):
        for name in _LIBRARY_WORD.findall(match[1]):
            yield make_clue("linker", name, file, lines.at(match.start()))


_MAKE_LIBRARY: Final = regex(r"(?:^|[\s=])-l([A-Za-z0-9_+.-]{1,40})")
_MAKE_PKGCONFIG: Final = regex(r"\bpkg-config\s+([^`)\n]{1,200})")


def make_clues(file: str, text: str) -> Iterator[Clue]:
    """Clues of a Makefile: ``-lNAME`` and calls of pkg-config."""
    text = without_comments(text)
    lines = Lines(text)
    for match in _MAKE_LIBRARY.finditer(text):
        yield make_clue("linker", match[1], file, lines.at(match.start()))
    for match in _MAKE_PKGCONFIG.finditer(text):
        for name in match[1].split():
            if library_attribute("pkg-config", name):
                yield make_clue("pkg-config", name, file, lines.at(match.start()))


class Lines:
    """Positions in a text as line numbers."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, position: int) -> int:
        """The 1-based line of a position."""
        return bisect_right(self._starts, position)
