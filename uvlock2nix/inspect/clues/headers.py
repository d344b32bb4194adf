"""Clues in C, C++ and Cython: headers that are not in the sdist, except those of other systems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from uvlock2nix.inspect.clues.text import Clue, Lines, make_clue
from uvlock2nix.knowledge.libraries import library_attribute
from uvlock2nix.regex import regex

_LINE: Final = regex(
    r"^[ \t]*(?:#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b([^\n]{0,300})"
    r"|#[ \t]*include[ \t]*[<\"]([^>\"\n]{1,100})[>\"]"
    r"|cdef extern from [\"']<?([^\"'>\n]{1,100})>?[\"'])",
    re.MULTILINE,
)
_ELSEWHERE: Final = regex(
    r"_WIN32|\bWIN32\b|_WIN64|_MSC_VER|__APPLE__|__MINGW|__CYGWIN__|__ANDROID__|__EMSCRIPTEN__|BSD__|__BORLANDC__|"
    r"\bWINDOWS\b|__sun\b|__HAIKU__|TARGET_OS_|_AIX|__VMS|__OS2__|__BEOS__|PYPY_VERSION|__MVS__|__DragonFly__"
)
_GUARD: Final = regex(r"_H_{0,2}(?:\b|INCLUDED)|_HPP_{0,2}\b|__cplusplus|_H_\w*\Z", re.IGNORECASE)
_ALWAYS: Final = regex(r"__linux__|__unix__|\blinux\b|__GNUC__|__GLIBC__|PY_\w*VERSION|PY_MAJOR|__x86_64__")
_MAX_DEPTH: Final = 200


def header_clues(file: str, text: str, macros: frozenset[str] = frozenset()) -> Iterator[Clue]:
    """Headers of known libraries; one inside ``#ifdef FEATURE`` is optional, unless it is in ``macros``."""
    lines: Lines | None = None
    state: list[bool | None] = []
    for match in _LINE.finditer(text):
        word = match[1]
        if word is not None:
            _branch(word, match[2], state, macros)
            continue
        name = match[3] or match[4]
        if False not in state and library_attribute("headers", name) is not None:
            lines = lines or Lines(text)
            yield make_clue("headers", name, file, lines.at(match.start()), optional=None in state)


def _branch(word: str, condition: str, state: list[bool | None], macros: frozenset[str]) -> None:
    if word in ("if", "ifdef", "ifndef"):
        if len(state) < _MAX_DEPTH:
            state.append(_truth(word, condition, macros))
    elif word == "endif":
        if state:
            state.pop()
    elif state:
        before = state[-1]
        if word == "else":
            state[-1] = None if before is None else not before
        else:
            state[-1] = False if before is True else _truth("if", condition, macros)


def _truth(word: str, condition: str, macros: frozenset[str]) -> bool | None:
    """``True`` if the branch is compiled on Linux, ``None`` if a feature decides."""
    text = condition.partition("//")[0].partition("/*")[0].strip()
    if text in ("0", "1"):
        return text == "1"
    if word == "ifndef":
        return True if _ELSEWHERE.search(text) or _GUARD.search(text) else None
    if _GUARD.search(text) and not _ELSEWHERE.search(text):
        return True
    if _ELSEWHERE.search(text):
        if "||" in text:
            return None if _ALWAYS.search(text) is None else True
        return text.startswith("!")
    defined = re.fullmatch(r"(?:defined\s*\(?\s*)?(\w+)\s*\)?", text)
    if defined is not None and defined[1] in macros:
        return True
    return True if _ALWAYS.search(text) else None
