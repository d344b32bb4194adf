"""Read untrusted TOML tables: typed getters that collect every problem.

A getter returns a harmless value after recording a problem, so that one pass finds all of them;
``Problems.raise_if_any`` then raises a single error with each place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import tomli
from packaging.specifiers import SpecifierSet

from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.net.urls import shown_text, shown_url
from uvlock2nix.printable import first_of
from uvlock2nix.reading import OddFileError, read_regular
from uvlock2nix.regex import regex

Table: TypeAlias = Mapping[str, Any]

SHOWN_PROBLEMS = 12
_NAME = regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
_CONTROL = regex(r"[\x00-\x1f\x7f]")
_PLACE = regex(r"(?:https?|file)://[^\s\x00-\x20\x7f]+", re.IGNORECASE)
_HASH = regex(r"(md5|sha1|sha224|sha256|sha384|sha512|blake2b):([0-9a-fA-F]+)")
_HASH_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}


def load_toml(path: Path, *, limit: int, error: type[InputError]) -> tuple[dict[str, Any], bytes]:
    """The table of a TOML file, and its bytes; raises like load_bytes, and if it is not UTF-8 or TOML."""
    data = load_bytes(path, limit=limit, error=error)
    return parse_toml(data, str(path), error=error), data


def load_bytes(path: Path, *, limit: int, error: type[InputError]) -> bytes:
    """The content of a file. ``limit``: the maximum number of bytes.

    Raises ``error`` if the file is missing, unreadable or too big.
    """
    try:
        return read_regular(path, limit)
    except OddFileError as cause:
        raise error(
            f"{shorten(path, 1000)}: {cause.strerror}",
            hint="only regular files of a reasonable size are read",
        ) from None
    except (OSError, ValueError) as cause:
        said = getattr(cause, "strerror", None) or cause
        raise error(f"{shorten(path, 1000)}: {said}", hint="is this the right folder?") from None


def parse_toml(data: bytes, name: str, *, error: type[InputError]) -> dict[str, Any]:
    """Parse ``data`` into a table; ``name`` is used in messages. Raises ``error``."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise error(f"{name}: not UTF-8: byte {cause.start}", hint="TOML is always UTF-8") from None
    try:
        return tomli.loads(text)
    except (ValueError, RecursionError) as cause:
        raise error(f"{name}: not valid TOML: {shorten(str(cause))}", hint="correct that line") from None


def shorten(text: object, limit: int = 120) -> str:
    """``text`` for a message: control characters escaped, cut at ``limit`` characters."""
    if isinstance(text, str) and len(text) <= limit and text.isprintable() and "://" not in text:
        return text
    # Hide credentials before cutting: a part of them would not be recognised.
    shown = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", shown_text(str(text))[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "…"


def is_specifier(text: str) -> bool:
    """Whether ``text`` is a set of version specifiers that a version can be compared with."""
    try:
        SpecifierSet(text).contains("3.12.0")
    # Not InvalidSpecifier alone: a number of 5,000 digits fails only in the comparison.
    except ValueError:
        return False
    return True


class Problems:
    """The problems of a file, in the order found, and its unknown keys, counted."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.messages: list[str] = []
        self.unknown: dict[str, int] = {}
        self._names: dict[str, str] = {}

    def add(self, where: str, key: str, message: str) -> None:
        """Record a problem: where, which key, what is wrong with it."""
        self.messages.append(f"{where}: {key}: {message}" if key else f"{where}: {message}")

    def raise_if_any(self, error: type[InputError], hint: str) -> None:
        """Raise ``error`` with all problems, one per line, if there are any."""
        if not self.messages:
            return
        shown = self.messages[:SHOWN_PROBLEMS]
        more = len(self.messages) - len(shown)
        lines = (
            [f"{self.file}: {shown[0]}"] if len(shown) == 1 else [f"{self.file}:", *(f"  {m}" for m in shown)]
        )
        if more:
            lines.append(f"  … and {more} more")
        raise error("\n".join(lines), hint=hint, data={"problems": tuple(self.messages)})

    def check_keys(self, table: Table, known: frozenset[str], place: str) -> None:
        """Count the unknown keys of ``table``; ``place`` is ``package`` or the like."""
        if not table.keys() <= known:
            for key in table.keys() - known:
                name = f"{place}.{shorten(key, 40)}" if place else shorten(key, 40)
                self.unknown[name] = self.unknown.get(name, 0) + 1

    def unknown_warning(self) -> str | None:
        """One sentence on all unknown keys, None if there were none."""
        if not self.unknown:
            return None
        return f"{self.file}: unknown keys are ignored: {first_of(sorted(self.unknown), 10)}"

    def text(self, table: Table, key: str, where: str, *, required: bool = False) -> str | None:
        """A non-empty string without control characters."""
        value = table.get(key)
        if value is None:
            if required:
                self.add(where, key, "is missing")
            return None
        if not isinstance(value, str):
            self.add(where, key, f"is not a string but {shorten(repr(value), 40)}")
            return None
        if not value or _CONTROL.search(value):
            self.add(where, key, "is empty" if not value else f"has control characters: {shorten(value)}")
            return None
        return value

    def name(self, value: object, where: str, key: str) -> str:
        """A package, extra or group name in normal form; ``""`` after a problem."""
        if isinstance(value, str):
            known = self._names.get(value)
            if known is not None:
                return known
            if _NAME.fullmatch(value):
                known = self._names[value] = canonicalize_name(value)
                return known
        self.add(where, key, f"is not a valid name: {shorten(repr(value), 60)}")
        return ""

    def names(self, table: Table, key: str, where: str) -> tuple[str, ...]:
        """A list of package names, normalised; empty if the key is missing."""
        values = self.items(table, key, where)
        return tuple(name for value in values if (name := self.name(value, where, key)))

    def texts(self, table: Table, key: str, where: str) -> tuple[str, ...]:
        """An array of strings, without empty ones."""
        found = []
        for value in self.items(table, key, where):
            if isinstance(value, str):
                found.append(value)
            else:
                self.add(where, key, f"contains something that is not a string: {shorten(repr(value), 40)}")
        return tuple(found)

    def items(self, table: Table, key: str, where: str) -> Sequence[Any]:
        """A list; empty if the key is missing or has another type, which is recorded."""
        value = table.get(key)
        if value is None:
            return ()
        if isinstance(value, list):
            return value
        self.add(where, key, f"is not an array but {shorten(repr(value), 40)}")
        return ()

    def tables(self, table: Table, key: str, where: str) -> Sequence[Table]:
        """An array of tables; other elements are recorded as problems and left out."""
        values = self.items(table, key, where)
        if all(isinstance(value, dict) for value in values):
            return values
        self.add(where, key, "contains something that is not a table")
        return [value for value in values if isinstance(value, dict)]

    def table(self, table: Table, key: str, where: str) -> Table:
        """A table; empty if the key is missing or has another type, which is recorded."""
        value = table.get(key)
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.add(where, key, f"is not a table but {shorten(repr(value), 40)}")
        return {}

    def boolean(self, table: Table, key: str, where: str) -> bool | None:
        """True, false, or None if the key is missing or has another type, which is recorded."""
        value = table.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.add(where, key, f"is not true or false but {shorten(repr(value), 40)}")
        return None

    def url(self, table: Table, key: str, where: str) -> str | None:
        """A URL that can be fetched; None if it is missing or something else, which is recorded."""
        value = self.text(table, key, where)
        if value is None or _PLACE.fullmatch(value):
            return value
        self.add(
            where, key, f"is not a URL that can be fetched (https, http or file): {shorten(shown_url(value))}"
        )
        return None

    def hash(self, table: Table, where: str) -> str | None:
        """``hash``: ``algorithm:hex``, with lower-case hex of the algorithm's length."""
        value = table.get("hash")
        if value is None:
            return None
        match = _HASH.fullmatch(value) if isinstance(value, str) else None
        if match is None or len(match[2]) != _HASH_LENGTHS.get(match[1], len(match[2])):
            self.add(where, "hash", f"is not algorithm:hex: {shorten(repr(value), 60)}")
            return None
        return value.lower() if isinstance(value, str) else None

    def size(self, table: Table, where: str) -> int | None:
        """A file's size in bytes; None if it is missing or not a size, which is recorded."""
        value = table.get("size")
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
            return value
        self.add(where, "size", f"is not a number of bytes: {shorten(repr(value), 40)}")
        return None
