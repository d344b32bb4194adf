"""PEP 508 markers: text → expression tree → truth for one environment.

https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
https://packaging.python.org/en/latest/specifications/dependency-groups/ and PEP 751 for ``extras`` and
``dependency_groups``. ``extra`` stays open (an atom), because uv uses it for declared conflicts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from uvlock2nix.regex import regex

MAX_DEPTH = 60
"""Deepest nesting of parentheses; real markers have two or three."""

MAX_LENGTH = 1_000_000
"""Longest marker in characters; the longest in real locks have some ten thousand."""

VERSION_VARIABLES = frozenset(("python_version", "python_full_version", "implementation_version"))
VARIABLES = VERSION_VARIABLES | {
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "implementation_name",
}
_ALIASES = {
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
    "platform.version": "platform_version",
}
_TOKEN = regex(
    r"""[ \t\r\n]*(?:
      (?P<text>'[^']*'|"[^"]*")
    | (?P<op><=|>=|==|!=|~=|===|<|>)
    | (?P<paren>[()])
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!=", "===": "==="}


class MarkerError(ValueError):
    """A marker that cannot be read or has no meaning; the caller adds the place to the message."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``variable op value``; ``flipped`` for ``'value' in variable``, where the sides differ."""

    variable: str
    op: str
    value: str
    flipped: bool = False


@dataclass(frozen=True, slots=True)
class Extra:
    """``extra == 'name'`` or ``extra != 'name'``."""

    name: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """PEP 751's ``'name' in extras`` or ``in dependency_groups``."""

    name: str
    collection: Literal["extras", "dependency_groups"]
    negated: bool


@dataclass(frozen=True, slots=True)
class Both:
    """All parts hold."""

    parts: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple[Marker, ...]


Atom: TypeAlias = Comparison | Extra | Membership
Marker: TypeAlias = Atom | Both | Either


@lru_cache(maxsize=2048)
def parse_marker(text: str) -> Marker:
    """Parse ``text``. Raises MarkerError.

    Cached: a lock repeats the same few markers thousands of times.
    """
    if len(text) > MAX_LENGTH:
        raise MarkerError(f"has {len(text)} characters, more than uvlock2nix supports")
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while True:
            match = _TOKEN.match(text, position)
            if match is None:
                raise MarkerError(f"cannot be read at character {position + 1}")
            kind = str(match.lastgroup)
            # `===` must not be read as `==` and a stray `=`.
            if kind == "op" and text.startswith("===", match.start("op")):
                self.tokens.append(("op", "==="))
                position = match.start("op") + 3
                continue
            self.tokens.append((kind, match[kind]))
            position = match.end()
            if kind == "end":
                break
        self.at = 0

    def parse(self) -> Marker:
        """Parse the whole text. Raises MarkerError."""
        marker = self.either(0)
        if self.tokens[self.at][0] != "end":
            raise MarkerError(f"has text after its end: {self.tokens[self.at][1][:40]}")
        return marker

    def take(self) -> tuple[str, str]:
        """Consume the next token. Raises MarkerError at the end."""
        token = self.tokens[self.at]
        if token[0] == "end":
            raise MarkerError("ends too early")
        self.at += 1
        return token

    def either(self, depth: int) -> Marker:
        """Parse ``… or …``."""
        parts = [self.both(depth)]
        while self.tokens[self.at] == ("word", "or"):
            self.at += 1
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self, depth: int) -> Marker:
        """Parse ``… and …``."""
        parts = [self.single(depth)]
        while self.tokens[self.at] == ("word", "and"):
            self.at += 1
            parts.append(self.single(depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def single(self, depth: int) -> Marker:
        """Parse a comparison or a marker in parentheses."""
        if self.tokens[self.at] == ("paren", "("):
            if depth >= MAX_DEPTH:
                raise MarkerError("is nested too deeply")
            self.at += 1
            inner = self.either(depth + 1)
            if self.take() != ("paren", ")"):
                raise MarkerError("has an unclosed parenthesis")
            return inner
        left = self.take()
        op = self.operator()
        return _atom(left, op, self.take())

    def operator(self) -> str:
        """Parse a comparison operator."""
        kind, text = self.take()
        if kind == "op" or (kind, text) == ("word", "in"):
            return text
        if (kind, text) == ("word", "not") and self.take() == ("word", "in"):
            return "not in"
        raise MarkerError(f"has {text[:40]} instead of a comparison")


def _atom(left: tuple[str, str], op: str, right: tuple[str, str]) -> Atom:
    flipped = left[0] == "text"
    if flipped:
        left, right = right, left
    if left[0] != "word" or right[0] != "text":
        raise MarkerError("does not compare a variable with a string")
    name = _ALIASES.get(left[1], left[1])
    value = right[1][1:-1]
    if name == "extra":
        if op not in {"==", "!="}:
            raise MarkerError(f"compares extra with {op}")
        return Extra(value, op == "!=")
    if name in {"extras", "dependency_groups"}:
        if not flipped or op not in {"in", "not in"}:
            raise MarkerError(f"uses {name} in a form other than 'name' in {name}")
        return Membership(value, "extras" if name == "extras" else "dependency_groups", op == "not in")
    if name not in VARIABLES:
        raise MarkerError(f"has the unknown variable {name[:40]}")
    if flipped and op not in {"in", "not in"}:
        if op not in _FLIPPED:
            raise MarkerError(f"has {op} with the variable on the right")
        return Comparison(name, _FLIPPED[op], value)
    return Comparison(name, op, value, flipped)


def evaluate_comparison(atom: Comparison, environment: Mapping[str, str]) -> bool:
    """Whether ``atom`` holds.

    Versions compare as versions, everything else as text; ``in`` is a substring test for text and a list
    test for versions, as in uv. Raises MarkerError.
    """
    actual = environment[atom.variable]
    if atom.variable in VERSION_VARIABLES and not atom.flipped:
        return _compare_versions(actual, atom.op, atom.value)
    match atom.op:
        case "in" | "not in":
            holds = atom.value in actual if atom.flipped else actual in atom.value
            return holds == (atom.op == "in")
        case "==" | "===":
            return actual == atom.value
        case "!=":
            return actual != atom.value
        case "<":
            return actual < atom.value
        case "<=":
            return actual <= atom.value
        case ">":
            return actual > atom.value
        case ">=":
            return actual >= atom.value
        case op:
            raise MarkerError(f"compares text with {op}")


def _compare_versions(actual: str, op: str, value: str) -> bool:
    try:
        if op in {"in", "not in"}:
            listed = {Version(item) for item in value.split()}
            return (Version(actual) in listed) == (op == "in")
        return SpecifierSet(f"{op}{value}").contains(actual, prereleases=True)
    except ValueError:
        raise MarkerError(f"compares a version with {value[:40]!r}") from None
