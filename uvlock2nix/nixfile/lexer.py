"""Split Nix text into tokens, so that comments, strings and paths are never mistaken for code.

The language: https://nix.dev/manual/nix/stable/language/. Interpolations are split too: their tokens are
between the tokens of the string around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.regex import regex


class Kind(Enum):
    """What a token is. ``STRING`` is a string without interpolation, ``PART`` a piece of one with it."""

    IDENT = auto()
    NUMBER = auto()
    STRING = auto()
    PART = auto()
    PATH = auto()
    URI = auto()
    SYMBOL = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` is the source between ``start`` and ``end`` (characters), quotes included."""

    kind: Kind
    text: str
    start: int
    end: int


_SKIP: Final = regex(r"(?:[ \t\r\n]+|\#[^\r\n]*|/\*.*?\*/)+", re.DOTALL)
_URI: Final = regex(r"[a-zA-Z][a-zA-Z0-9+.-]*:[a-zA-Z0-9%/?:@&=+$,_.!~*'-]+")
_PATH: Final = regex(r"(?:~|[a-zA-Z0-9._+-]*)(?:/[a-zA-Z0-9._+-]+)+/?|(?:~|[a-zA-Z0-9._+-]*)/(?=\$\{)")
_PATH_MORE: Final = regex(r"[a-zA-Z0-9._+/-]+")
_SEARCH: Final = regex(r"<[a-zA-Z0-9._+-]+(?:/[a-zA-Z0-9._+-]+)*>")
_IDENT: Final = regex(r"[a-zA-Z_][a-zA-Z0-9_'-]*")
_NUMBER: Final = regex(r"(?:\d+\.\d*|\d*\.\d+)(?:[eE][+-]?\d+)?|\d+")
_SYMBOL: Final = regex(r"\.\.\.|==|!=|<=|>=|&&|\|\||->|\+\+|//|\|>|<\||[{}()\[\];=.,:@?!<>+\-*/$]")
_STRING_END: Final = regex(r'(?:[^"\\$]|\\.|\$(?!\{))*', re.DOTALL)
_INDENTED_END: Final = regex(r"(?:[^'$]|'(?!')|''(?:'|\$|\\.)|\$(?!\{))*", re.DOTALL)


def tokens(text: str, where: str = "the file") -> Iterator[Token]:
    """The tokens of ``text`` in order; InputError, with the line, if it is not Nix."""
    yield from _Lexer(text, where).run()


class _Lexer:
    """A position and a stack: how the innermost open brace ends, of a set or an interpolation."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.at = 0
        # For every open "{": None, or the string ('"' or "''") or path ("/") that continues after its "}".
        self.braces: list[str | None] = []

    def run(self) -> Iterator[Token]:
        """The tokens of the text. Raises InputError if it is not Nix."""
        text = self.text
        while True:
            if skipped := _SKIP.match(text, self.at):
                self.at = skipped.end()
            if self.at >= len(text):
                break
            yield from self._next()
        if self.braces:
            raise self._error(f"{len(self.braces)} brace(s) are not closed")

    def _next(self) -> Iterator[Token]:
        text, at = self.text, self.at
        if text.startswith('"', at):
            yield from self._string('"', at, at + 1)
        elif text.startswith("''", at):
            yield from self._string("''", at, at + 2)
        elif text.startswith("/*", at):
            raise self._error("a comment is not closed")
        elif match := _SEARCH.match(text, at):
            yield self._token(Kind.PATH, match.end())
        elif match := _URI.match(text, at):
            yield self._token(Kind.URI, match.end())
        elif match := _PATH.match(text, at):
            yield from self._path(at, match.end())
        elif match := _IDENT.match(text, at):
            yield self._token(Kind.IDENT, match.end())
        elif match := _NUMBER.match(text, at):
            yield self._token(Kind.NUMBER, match.end())
        elif text.startswith("${", at):
            self.braces.append(None)
            yield self._token(Kind.SYMBOL, at + 2)
        elif match := _SYMBOL.match(text, at):
            yield from self._symbol(match)
        else:
            raise self._error(f"{text[at]!r} is unexpected")

    def _symbol(self, match: re.Match[str]) -> Iterator[Token]:
        yield self._token(Kind.SYMBOL, match.end())
        if match[0] == "{":
            self.braces.append(None)
        elif match[0] == "}":
            if not self.braces:
                raise self._error("a } has no {")
            goes_on = self.braces.pop()
            if goes_on == "/":
                yield from self._path(self.at, self.at)
            elif goes_on is not None:
                yield from self._string(goes_on, self.at, self.at)

    def _string(self, quote: str, start: int, inside: int) -> Iterator[Token]:
        """The rest of a string from ``inside``, up to its end or its next interpolation."""
        match = (_STRING_END if quote == '"' else _INDENTED_END).match(self.text, inside)
        stop = match.end() if match else inside
        if self.text.startswith("${", stop):
            self.at = start
            yield self._token(Kind.PART, stop)
            self.braces.append(quote)
            yield self._token(Kind.SYMBOL, stop + 2)
            return
        if not self.text.startswith(quote, stop):
            raise self._error("a string is not closed")
        whole = inside - start == len(quote) and self.text.startswith(quote, start)
        self.at = start
        yield self._token(Kind.STRING if whole else Kind.PART, stop + len(quote))

    def _path(self, start: int, stop: int) -> Iterator[Token]:
        """A path, or the rest of one after an interpolation."""
        if start == stop and (match := _PATH_MORE.match(self.text, stop)):
            stop = match.end()
        self.at = start
        if stop > start:
            yield self._token(Kind.PATH, stop)
        if self.text.startswith("${", stop):
            self.braces.append("/")
            yield self._token(Kind.SYMBOL, stop + 2)

    def _token(self, kind: Kind, end: int) -> Token:
        token = Token(kind, self.text[self.at : end], self.at, end)
        self.at = end
        return token

    def _error(self, what: str) -> InputError:
        line = self.text.count("\n", 0, self.at) + 1
        return InputError(
            f"{self.where}:{line}: {what}", hint="check the file with `nix-instantiate --parse`"
        )
