"""Lexical elements of Nix: identifiers, attribute names, strings, comments and paths, escaped.

https://nix.dev/manual/nix/stable/language/string-literals and the pages next to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.regex import regex

IDENTIFIER: Final = regex(r"[a-zA-Z_][a-zA-Z0-9_'-]*\Z")
KEYWORDS: Final = frozenset(
    ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"],
)
PLAIN_PATH_PART: Final = regex(r"[a-zA-Z0-9._+-]+\Z")
# C0 and C1 controls, line and paragraph separators, and characters that change the direction of text. None of
# them may get into a comment, which has no escapes.
UNSAFE_IN_COMMENT: Final = regex(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
# What needs an escape in an indented string. A single quote is matched too, so that one before such a
# sequence is noticed.
SPECIAL_IN_TEXT: Final = regex(r"''|'|\$\{|\r")
SPELT_IN_TEXT: Final = {"''": "'''", "'": "'", "${": "''${", "\r": "''\\r"}
LONE_QUOTE: Final = "''\\'"


def comment_line(text: str) -> str:
    """``# text``, whatever the text: control characters and line ends become a space."""
    return f"# {UNSAFE_IN_COMMENT.sub(' ', text)}".rstrip()


def attr_name(name: str) -> str:
    """An attribute name, quoted if necessary."""
    return name if IDENTIFIER.match(name) and name not in KEYWORDS else quote(name)


def identifier(name: str) -> str:
    """A name as a Nix identifier.

    Raises:
        InputError: it is not one.
    """
    if not IDENTIFIER.match(name) or name in KEYWORDS:
        raise InputError(
            f"{name!r} cannot be the name of a nixpkgs attribute or variable",
            hint="use an attribute of nixpkgs, such as libxml2",
        )
    return name


def quote(text: str) -> str:
    """A text as a Nix string, escaped."""
    return f'"{escape(text)}"'


def sound(text: str) -> str:
    """The text itself, if a Nix string can represent it.

    Raises:
        InputError: for a NUL, or a surrogate (half of a character, or a byte that is not UTF-8).
    """
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InputError(
            f"{text!r} contains a NUL or bytes that are not UTF-8, which Nix cannot represent",
            hint="correct the file that it comes from (uv.lock, pyproject.toml or the name of a folder)",
        )
    return text


def escape(text: str) -> str:
    """Escape text for a ``"…"`` string."""
    text = sound(text)
    for char, escaped in (
        ("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"),
    ):  # fmt: skip
        text = text.replace(char, escaped)
    # `$${` would be read as a literal `$` and `${`, without an interpolation.
    return text.replace("${", "\\${")


def indented(part: str) -> list[str]:
    """Escape a literal part of an indented string, as pieces that :func:`joined` puts together."""
    pieces: list[str] = []
    position = 0
    for found in SPECIAL_IN_TEXT.finditer(sound(part)):
        pieces += [part[position : found.start()], SPELT_IN_TEXT[found[0]]]
        position = found.end()
    return [*pieces, part[position:]]


def joined(pieces: Iterable[str]) -> str:
    """The inside of an indented string: a quote never merges with a following escape or the end."""
    spelt = [piece for piece in pieces if piece]
    for place, following in enumerate([*spelt[1:], "''"][: len(spelt)]):
        if spelt[place] == "'" and following.startswith("'"):
            spelt[place] = LONE_QUOTE
    return "".join(spelt)


def path(up: int, parts: tuple[str, ...]) -> str:
    """A path relative to the file, ``up`` folders above it.

    Raises:
        InputError: a part is not the name of a file.
    """
    prefix = "../" * up or "./"
    if not parts:
        return f"{prefix}."
    if any(part in ("", ".", "..") or "/" in part for part in parts):
        raise InputError(f"{'/'.join(parts)!r} is not a plain path", hint="correct the project's files")
    if all(PLAIN_PATH_PART.match(part) for part in parts):
        return prefix + "/".join(parts)
    # A path literal cannot contain every name; other names are appended as a string.
    return f"({prefix}. + {quote('/' + '/'.join(parts))})"
