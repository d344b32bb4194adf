"""The checked reader of all data files in ``knowledge/data``.

A row is checked when it is looked up, which keeps runs fast; a test checks every row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, TypeVar, get_args

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.templates import Template, is_attribute, is_variable, parse_template
from uvlock2nix.regex import regex

DATA: Final = Path(__file__).resolve().parent / "data"

_HINT: Final = "the installation is damaged: install uvlock2nix again"
_LINE: Final = regex(r"[^\x00-\x08\x0a-\x1f\x7f]*\Z")
_T = TypeVar("_T")


@cache
def load_table(name: str) -> Mapping[str, object]:
    """A table of ``data/`` as a mapping, read once per process.

    Raises:
        InputError: the file is missing or not a JSON object: the installation is damaged.
    """
    path = DATA / name
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the table {path}: {error}", hint=_HINT) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is not a JSON object", hint=_HINT)
    return value


class Row:
    """One row of a table, read key by key.

    A getter records a problem with its key and returns a harmless value; :meth:`done` then raises one error
    with all problems.
    """

    def __init__(self, where: str, raw: object) -> None:
        """``where`` names the table and the row."""
        self._where = where
        self._problems: list[str] = []
        self._raw: Mapping[str, object] = raw if isinstance(raw, dict) else {}
        self._left = set(self._raw)
        if not isinstance(raw, dict):
            self._problems.append(f"is {raw!r:.80}, not an object")

    def text(self, key: str, default: str = "") -> str:
        """A one-line string."""
        value = self._take(key, default)
        if isinstance(value, str) and _LINE.match(value):
            return value
        return self._wrong(key, "is not a one-line string", default)

    def one_of(self, key: str, alternatives: object, default: _T) -> _T:
        """One of the values of a ``Literal``."""
        value = self._take(key, default)
        for known in get_args(alternatives):
            if value == known:
                return known  # type: ignore[no-any-return]
        return self._wrong(key, f"is not one of {', '.join(get_args(alternatives))}", default)

    def texts(
        self, key: str, check: Callable[[str], object] = _LINE.match, what: str = "one line"
    ) -> tuple[str, ...]:
        """A list of strings that ``check`` accepts; ``what`` describes it in messages."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return self._wrong(key, "is not a list of strings", ())
        wrong = [item for item in value if not check(item)]
        if wrong:
            return self._wrong(key, f"has {wrong[0]!r:.80}, which is not {what}", ())
        return tuple(value)

    def attributes(self, key: str) -> tuple[str, ...]:
        """A list of nixpkgs attribute paths."""
        return self.texts(key, is_attribute, "a nixpkgs attribute")

    def environment(self, key: str) -> tuple[tuple[str, Template], ...]:
        """An object of variables with templates, sorted."""
        value = self._take(key, {})
        if not isinstance(value, dict):
            return self._wrong(key, "is not an object", ())
        found: list[tuple[str, Template]] = []
        for variable, text in sorted(value.items()):
            if not is_variable(variable) or not isinstance(text, str):
                self._wrong(key, f"has {variable!r:.80}, which is not a variable with a string", None)
                continue
            try:
                found.append((variable, parse_template(text)))
            except ValueError as error:
                self._wrong(key, f"{variable}: {error}", None)
        return tuple(found)

    def done(self) -> None:
        """Raise InputError with every problem of the row, unknown keys included."""
        self._problems += [f"`{key}` is not a known key" for key in sorted(self._left)]
        if self._problems:
            raise InputError(f"{self._where}: {'; '.join(self._problems)}", hint=_HINT)

    def _take(self, key: str, default: object) -> object:
        self._left.discard(key)
        return self._raw.get(key, default)

    def _wrong(self, key: str, what: str, value: _T) -> _T:
        self._problems.append(f"`{key}` {what}")
        return value


class Rows(Mapping[str, _T]):
    """The rows of a table by key, each checked when it is first looked up."""

    def __init__(self, table: str, raw: object, read: Callable[[str, object], _T]) -> None:
        """``read`` gets a row's place, for messages, and the raw row. InputError if ``raw`` is no object."""
        if not isinstance(raw, dict):
            raise InputError(f"knowledge/data/{table}: is {raw!r:.80}, not an object", hint=_HINT)
        self._table = table
        self._raw = raw
        self._read = read
        self._known: dict[str, _T] = {}

    def __getitem__(self, key: str) -> _T:
        """The checked row. Raises KeyError, or InputError for a row of the wrong shape."""
        if key not in self._known:
            raw = self._raw[key]  # first: most names have no row, and need no text
            self._known[key] = self._read(f"knowledge/data/{self._table}: {key}", raw)
        return self._known[key]

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def attribute_of(where: str, raw: object) -> str:
    """Read a row that is a nixpkgs attribute. Raises InputError."""
    if isinstance(raw, str) and is_attribute(raw):
        return raw
    raise InputError(f"{where}: {raw!r:.80} is not a nixpkgs attribute", hint=_HINT)


def attributes_of(where: str, raw: object) -> tuple[str, ...]:
    """Read a row that is a list of nixpkgs attributes. Raises InputError."""
    return texts_of(where, raw, is_attribute, "a nixpkgs attribute")


def text_of(where: str, raw: object) -> str:
    """Read a row that is one line of text. Raises InputError."""
    if isinstance(raw, str) and _LINE.match(raw):
        return raw
    raise InputError(f"{where}: {raw!r:.80} is not a one-line string", hint=_HINT)


def texts_of(
    where: str, raw: object, check: Callable[[str], object] = _LINE.match, what: str = "one line"
) -> tuple[str, ...]:
    """Read a row that is a list of strings that ``check`` accepts. Raises InputError."""
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        raise InputError(f"{where}: {raw!r:.80} is not a list of strings", hint=_HINT)
    for item in raw:
        if not check(item):
            raise InputError(f"{where}: {item!r:.80} is not {what}", hint=_HINT)
    return tuple(raw)


def number_of(where: str, raw: object) -> int:
    """Read a row that is a non-negative number. Raises InputError."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return raw
    raise InputError(f"{where}: {raw!r:.80} is not a number", hint=_HINT)


def numbers_of(where: str, raw: object, count: int) -> tuple[int, ...]:
    """Read a row that is a list of ``count`` numbers. Raises InputError."""
    if not isinstance(raw, list) or len(raw) != count:
        raise InputError(f"{where}: {raw!r:.80} is not a list of {count} numbers", hint=_HINT)
    return tuple(number_of(where, item) for item in raw)


def items_of(table: str, key: str) -> Iterator[tuple[str, object]]:
    """The items of a list in a table, each with its place for messages. Raises InputError."""
    raw = load_table(table).get(key)
    if not isinstance(raw, list):
        raise InputError(f"knowledge/data/{table}: {key} is not a list", hint=_HINT)
    return ((f"knowledge/data/{table}: {key}[{number}]", item) for number, item in enumerate(raw))


@cache
def attribute_rows(table: str, key: str) -> Rows[str]:
    """The part ``key`` of a table whose rows are name → nixpkgs attribute."""
    return Rows(table, load_table(table).get(key), attribute_of)


@cache
def attributes_rows(table: str, key: str) -> Rows[tuple[str, ...]]:
    """The part ``key`` of a table whose rows are name → list of nixpkgs attributes."""
    return Rows(table, load_table(table).get(key), attributes_of)
