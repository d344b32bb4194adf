"""Build an index from rows of an evaluation or of a channel's ``packages.json``.

``packages.json`` has more than a hundred megabytes, so it is read as a stream. Both of its schemas are
understood (``version`` is a number or a text, ``outputs`` a list or a table, ``pname`` may be missing).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from packaging.version import Version

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.names import python_attributes
from uvlock2nix.knowledge.templates import is_attribute
from uvlock2nix.names import canonicalize_name
from uvlock2nix.nixpkgs_index.model import SCHEMA
from uvlock2nix.regex import regex

_SET: Final = regex(r"python(3)(\d{1,2})Packages\.([^.]+)\Z")
_PREFIX: Final = regex(r"python3(?:\.\d+)?-")
_NAME_VERSION: Final = regex(r"(.+?)-(\d[^-]*(?:-[a-z0-9.]+)*)\Z")
_MAX_VALUE: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A Python package found in a nixpkgs. ``pypi`` is its PyPI name, if nixpkgs has it."""

    attr: str
    pname: str
    version: str
    usable: bool = True
    pypi: str | None = None


def read_channel(chunks: Iterable[bytes]) -> Mapping[str, list[Found]]:
    """Python set (``"313"``) → its packages, from the pieces of a ``packages.json``.

    Raises:
        InputError: the text is truncated or not a ``packages.json``.
    """
    found: dict[str, list[Found]] = {}
    for attr, value in entries(chunks):
        match = _SET.match(attr)
        if match is None:
            continue
        row = parse_entry(match[3], value)
        if row is not None:
            found.setdefault(match[1] + match[2], []).append(row)
    if not found:
        raise InputError("the channel's packages.json names no Python packages", hint=_HINT)
    return found


_HINT: Final = "is it a nixpkgs channel? or create the index with Nix: `uvlock2nix index update --nixpkgs …`"


def entries(chunks: Iterable[bytes]) -> Iterator[tuple[str, object]]:
    """The members of the object ``packages`` of a JSON document, streamed one by one."""
    stream = _Stream(chunks)
    stream.find('"packages"')
    stream.token(":")
    stream.token("{")
    if stream.peek() == "}":
        return
    while True:
        key = stream.value()
        if not isinstance(key, str):
            raise InputError("packages.json is damaged: a key is not a string", hint=_HINT)
        stream.token(":")
        yield key, stream.value()
        if stream.peek() != ",":
            stream.token("}")
            return
        stream.token(",")


class _Stream:
    """JSON text that arrives in pieces."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._text = ""
        self._position = 0
        self._rest = b""
        self._decoder = json.JSONDecoder()

    def find(self, needle: str) -> None:
        """Skip to the end of ``needle``. Raises InputError if there is none."""
        while (at := self._text.find(needle, self._position)) < 0:
            if self._position + len(needle) + _MAX_VALUE < len(self._text) or not self._more():
                raise InputError("this is not a packages.json: it has no packages", hint=_HINT)
        self._position = at + len(needle)

    def peek(self) -> str:
        """The next character that is not a space. Raises InputError at the end."""
        while True:
            while self._position < len(self._text) and self._text[self._position] in " \t\r\n":
                self._position += 1
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._more():
                raise InputError("packages.json is truncated", hint=_HINT)

    def token(self, wanted: str) -> None:
        """Consume the character ``wanted``. Raises InputError if it is not the next."""
        if self.peek() != wanted:
            raise InputError(f"packages.json is damaged: {wanted!r} is missing", hint=_HINT)
        self._position += 1

    def value(self) -> object:
        """Consume a JSON value. Raises InputError if it is damaged."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._position > _MAX_VALUE or not self._more():
                    raise InputError(f"packages.json is damaged: {str(error)[:100]}", hint=_HINT) from error
                continue
            # A number may continue in the next piece.
            if end == len(self._text) and not isinstance(value, dict) and self._more():
                continue
            self._position = end
            return value

    def _more(self) -> bool:
        for chunk in self._chunks:
            data = self._rest + chunk
            # Do not split a UTF-8 character: keep the bytes of an incomplete one.
            cut = len(data)
            while cut and len(data) - cut < 4 and data[cut - 1] & 0xC0 == 0x80:
                cut -= 1
            cut = max(cut - 1, 0) if cut and data[cut - 1] & 0x80 else len(data)
            self._rest = data[cut:]
            self._text = self._text[self._position :] + data[:cut].decode("utf-8", "replace")
            self._position = 0
            return True
        return False


def parse_entry(attr: str, value: object) -> Found | None:
    """An entry of ``packages``, in either schema; ``None`` if it is not a package with a version."""
    if not isinstance(value, dict):
        return None
    pname, version, name = (value.get(key) for key in ("pname", "version", "name"))
    text = _PREFIX.sub("", name, count=1) if isinstance(name, str) else ""
    split = _NAME_VERSION.match(text)
    if not isinstance(version, str) or not version:
        version = split[2] if split else None
    if not isinstance(pname, str) or not pname:
        pname = split[1] if split else None
    if version is None or pname is None:
        return None
    meta = value.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    usable = not meta.get("broken", False) and meta.get("available", True) is not False
    return Found(attr, _PREFIX.sub("", pname, count=1), version, usable)


def parse_evaluated(attr: str, value: object) -> Found | None:
    """A row of ``data/python-versions.nix``."""
    if not isinstance(value, dict):
        return None
    row = parse_entry(attr, value)
    if row is None:
        return None
    pypi = value.get("pypi")
    pypi = pypi if isinstance(pypi, str) else None
    return Found(row.attr, row.pname, row.version, value.get("usable") is not False, pypi)


def make_index(
    sets: Mapping[str, Iterable[Found]],
    *,
    source: str,
    nixpkgs: str,
    date: str,
    revision: str | None,
    system: str,
    python: str | None = None,
) -> dict[str, object]:
    """The JSON of an index: rows by canonical PyPI name. Odd attributes and versions are left out.

    ``python`` is the minor version of nixpkgs' ``python3``, if known.
    """
    exceptions = {attr: name for name, attr in python_attributes().items()}
    return {
        "schema": SCHEMA,
        "source": source,
        "nixpkgs": nixpkgs,
        "date": date,
        "revision": revision,
        "system": system,
        **({"python": python} if python is not None else {}),
        "sets": {key: _rows(found, exceptions) for key, found in sets.items()},
    }


def _rows(found: Iterable[Found], exceptions: Mapping[str, str]) -> dict[str, object]:
    groups: dict[str, list[Found]] = {}
    plain = [row for row in found if is_attribute("_" + row.attr) and row.version.isprintable()]
    for row in plain:
        name = exceptions.get(row.attr) or row.pypi or row.pname
        groups.setdefault(canonicalize_name(name), []).append(row)
    # The attribute name counts as a name too, unless another package has it.
    for row in plain:
        groups.setdefault(canonicalize_name(row.attr), [row])
    return {name: _row(name, rows) for name, rows in sorted(groups.items())}


def _row(name: str, rows: list[Found]) -> object:
    main = max(rows, key=lambda row: (row.attr == name, row.usable, _order(row.version)))
    others = {row.attr: row.version for row in rows if row is not main and row.usable}
    flags = "" if main.usable else "b"
    row: list[object] = [main.version, "" if main.attr == name else main.attr, flags, others]
    while len(row) > 1 and not row[-1]:
        row.pop()
    return row[0] if len(row) == 1 else row


def _order(version: str) -> tuple[int, Version]:
    try:
        return 1, Version(version)
    except ValueError:  # InvalidVersion, and numbers with thousands of digits
        return 0, Version("0")
