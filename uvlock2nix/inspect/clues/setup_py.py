"""Clues in build scripts: the idioms with which a setup.py or a cffi build file names libraries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from uvlock2nix.inspect.branches import Branches, branches
from uvlock2nix.inspect.clues.headers import header_clues
from uvlock2nix.inspect.clues.text import Clue, Lines, make_clue, without_comments
from uvlock2nix.knowledge.libraries import library_attribute, library_names
from uvlock2nix.regex import regex

# Each match is followed for at most 4000 characters: the product limits the work on a hostile file.
_MAX_MATCHES: Final = 500
# A script without any of these words does not mention libraries, and is not parsed.
_PROMISING: Final = regex(r"librar|libs|pkg_?-?config|[\"'/ ]-l\w|-config\b|pg_config|\.h[\"']|\.so\b|swig")
_STRING: Final = regex(r"""[bru]{0,2}("([^"\\\n]{1,200})"|'([^'\\\n]{1,200})')""")
_LIBRARIES: Final = regex(
    r"""(?:\b\w{0,60}libraries|\blibs|\b\w{0,60}_libs)\b["']?\]?\s*"""
    r"""(?:\+?=|:|\.append\(|\.extend\(|\.insert\(\s*\d+,|,\s*(?=\[))\s*(?=["'\[(])"""
)
_LIBRARY_NAMES: Final = regex(
    r"""\b(?:libraries|libs)["']?\]?\s*(?:\+?=(?!=)|:|\.append\(|\.extend\()([^\n"']{1,200})"""
)
_WAF_LIBRARY: Final = regex(r"""\blib\s*=\s*(?=["'\[])""")
_IDENTIFIER: Final = regex(r"\b(?:self\.)?[A-Za-z_]\w{1,40}\b")
_PKGCONFIG_CALL: Final = regex(
    r"\b(?:pkg_?config|pkgconfig\.\w{1,60}|\w{0,60}pkg_?config\w{0,60})\s*\(", re.IGNORECASE
)
_PKGCONFIG_COMMAND: Final = regex(r"\bpkg-config\s+(?:--[\w=-]+\s+)*([A-Za-z0-9][\w.+-]{1,50})")
_LINK_FLAG: Final = regex(r"(?:^|\s)-l([A-Za-z0-9_+.-]{1,40})")
_NAME: Final = regex(r"[A-Za-z0-9_+.-]{1,50}\Z")
_FILES: Final = (".a", ".so", ".lib", ".py", ".dll", ".dylib", ".c", ".h", ".cpp")
_INCLUDE_DIR: Final = regex(r"/usr/(?:local/)?include/(linux/[\w-]+\.h)")
_HEADER_NAME: Final = regex(r"[A-Za-z0-9_/.+-]{2,60}\.h(?:pp)?\Z")
_SHARED_OBJECT: Final = regex(r"lib([A-Za-z0-9_+-]{2,40})\.(?:so|a)\Z")


def python_clues(file: str, text: str) -> Iterator[Clue]:
    """Clues of a script; branches that do not run on Linux are ignored."""
    if not _PROMISING.search(text):
        return
    judged = branches(text)
    if judged.dead:
        lines = text.split("\n")
        text = "\n".join("" if number in judged.dead else line for number, line in enumerate(lines, 1))
    if "set_source" in text or "cdef" in text:
        yield from header_clues(file, text)
    for clue in _clues(file, without_comments(text), judged):
        yield replace(clue, optional=True) if clue.line in judged.perhaps else clue


def _clues(file: str, text: str, judged: Branches) -> Iterator[Clue]:
    lines = Lines(text)
    yield from _lists(file, text, judged, lines)
    for match in islice(_PKGCONFIG_CALL.finditer(text), _MAX_MATCHES):
        for position, value in _strings(text, match.end() - 1):
            for name in value.split():
                if library_attribute("pkg-config", name):
                    yield make_clue("pkg-config", name, file, lines.at(position))
    pkg_config_used = "pkg-config" in text or "pkgconf" in text.lower()
    for match in _STRING.finditer(text):
        yield from _string_clues(file, lines.at(match.start()), match[2] or match[3], pkg_config_used)


def _lists(file: str, text: str, judged: Branches, lines: Lines) -> Iterator[Clue]:
    """``libraries=[…]`` and the like; also through names of such a list."""
    for match in islice(_LIBRARIES.finditer(text), _MAX_MATCHES):
        for position, name in _strings(text, match.end()):
            if _NAME.match(name) and name[0].isalnum() and not name.endswith(_FILES):
                yield make_clue("linker", name, file, lines.at(position))
    for match in islice(_LIBRARY_NAMES.finditer(text), _MAX_MATCHES):
        for variable in _IDENTIFIER.findall(match[1]):
            for line, name in (judged.strings or {}).get(variable, ()):
                if library_attribute("linker", name):
                    yield make_clue("linker", name, file, line)
    for match in islice(_WAF_LIBRARY.finditer(text), _MAX_MATCHES if file.endswith("wscript") else 0):
        for position, name in _strings(text, match.end()):
            yield make_clue("linker", name, file, lines.at(position))


def _string_clues(file: str, line: int, value: str, pkg_config_used: bool) -> Iterator[Clue]:
    """Clues in a single string literal of a build script, wherever it is."""
    for word in value.split()[:20]:
        program = word.rpartition("/")[2]
        if library_attribute("programs", program):
            yield make_clue("programs", program, file, line)
    for flag in _LINK_FLAG.finditer(value):
        yield make_clue("linker", flag[1], file, line)
    for named in _PKGCONFIG_COMMAND.finditer(value):
        if library_attribute("pkg-config", named[1]):
            yield make_clue("pkg-config", named[1], file, line)
    if pkg_config_used and _looks_like_module(value):
        for name in value.split():
            if _distinct_module(name):
                yield make_clue("pkg-config", name, file, line)
    for header in _INCLUDE_DIR.finditer(value):
        if library_attribute("headers", header[1]):
            yield make_clue("headers", header[1], file, line)
    if _HEADER_NAME.match(value) and library_attribute("headers", value):
        yield make_clue("headers", value, file, line)
    shared = _SHARED_OBJECT.match(value)
    if shared is not None and library_attribute("linker", shared[1]):
        yield make_clue("linker", shared[1], file, line)


def _looks_like_module(value: str) -> bool:
    return len(value) < 100 and ("pkg-config" in value or " " not in value)


def _distinct_module(name: str) -> bool:
    """Whether a module name can hardly be any other word: ``libxml-2.0`` and not ``zlib`` or ``python``."""
    table = library_names("pkg-config")
    return name in table and (any(c.isdigit() for c in name) or name.startswith("lib") or "-" in name)


def _strings(text: str, start: int) -> Iterator[tuple[int, str]]:
    """The string literals from ``start`` to the end of the bracket that opens there (or a single string)."""
    depth = 0
    position = start
    end = min(len(text), start + 4000)
    while position < end:
        char = text[position]
        if char in "\"'" or (char in "bru" and depth and _STRING.match(text, position)):
            match = _STRING.match(text, position)
            if match is None:
                position += 1
                continue
            # `libraries["x"] = …`: a key, not a value; `"name": …` likewise.
            if not re.match(r"\s*:", text[match.end() : match.end() + 4]):
                yield position, match[2] or match[3]
            position = match.end()
            if depth == 0:
                return
            continue
        if char in "[({":
            depth += 1
        elif char in "])}":
            depth -= 1
            if depth <= 0:
                return
        elif depth == 0 and char == "\n":
            return
        position += 1
