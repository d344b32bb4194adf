"""The commands of CMake's lists and their arguments, within limits.

https://cmake.org/cmake/help/latest/manual/cmake-language.7.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from uvlock2nix.inspect.clues.text import Lines
from uvlock2nix.regex import regex

_MAX_ARGUMENTS: Final = 6_000
_MAX_WORDS: Final = 200
_COMMAND: Final = regex(r"^[ \t]*([A-Za-z_]\w{0,60})[ \t]*\(", re.MULTILINE)
_TOKEN: Final = regex(r'"([^"]{0,300})"|([()])|([^\s()"]{1,300})')


@dataclass(frozen=True, slots=True)
class Call:
    """A command: its name in lower case, its arguments, its line."""

    name: str
    words: tuple[str, ...]
    line: int


def calls(text: str) -> Iterator[Call]:
    """The commands of a list, in order."""
    text = re.sub(r"^([^\n\"#]{0,400})#[^\n]*", r"\1", text, flags=re.MULTILINE)
    lines = Lines(text)
    end = 0
    for match in _COMMAND.finditer(text):
        if match.start() < end:
            continue
        words: list[str] = []
        depth = 1
        end = match.end()
        for token in _TOKEN.finditer(text, match.end(), match.end() + _MAX_ARGUMENTS):
            end = token.end()
            if token[2]:
                depth += 1 if token[2] == "(" else -1
                if depth == 0:
                    break
            if len(words) < _MAX_WORDS:
                words.append(token[1] if token[1] is not None else token[2] or token[3])
        yield Call(match[1].lower(), tuple(words), lines.at(match.start()))


def split(words: Sequence[str], operator: str) -> list[Sequence[str]]:
    """Split the words at ``operator``, except inside parentheses."""
    parts: list[Sequence[str]] = []
    depth = start = 0
    for position, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if word == operator and depth == 0:
            parts.append(words[start:position])
            start = position + 1
    return [*parts, words[start:]]
