"""The snapshot that is shipped with uvlock2nix, for machines without Nix or network.

``data/nixpkgs-index.txt.gz``: the first line is the JSON of an index with only the names of its sets; then
there is a line for each PyPI name, sorted: the name and, for each set, the row as JSON, separated by tabs
(empty if the set has no such package). So a run parses only the lines that it needs.
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.tables import DATA
from uvlock2nix.nixpkgs_index.model import IndexRow, NixpkgsIndex, parse_index, parse_row

FILE: Final = "nixpkgs-index.txt.gz"
_GZIP: Final = 16 + zlib.MAX_WBITS  # a gzip header around the stream
_HINT: Final = "the installation is damaged: install uvlock2nix again"


class Lines(Mapping[str, str]):
    """Lines of a name, a tab and the rest, sorted by name: a binary search reads only the line it finds."""

    def __init__(self, text: str) -> None:
        """``text``: the lines, each with its end."""
        self._lines = text.splitlines()

    def __getitem__(self, name: str) -> str:
        """What follows the name. Raises KeyError."""
        place = bisect_left(self._lines, f"{name}\t")
        found, _, rest = self._lines[place].partition("\t") if place < len(self._lines) else ("", "", "")
        if found != name or not name:
            raise KeyError(name)
        return rest

    def __iter__(self) -> Iterator[str]:
        return (line.partition("\t")[0] for line in self._lines)

    def __len__(self) -> int:
        return len(self._lines)


class LineSet(Mapping[str, IndexRow]):
    """A Python set of an index: rows are read from the lines when they are looked up."""

    def __init__(self, lines: Mapping[str, str], column: int) -> None:
        """``lines``: name → rows, separated by tabs; ``column``: the position of this set's row."""
        self._lines = lines
        self._column = column
        self._known: dict[str, IndexRow] = {}

    def __getitem__(self, name: str) -> IndexRow:
        """The row. Raises KeyError, or InputError for a line of the wrong shape."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._read(name, self._lines[name])
        return known

    def _read(self, name: str, line: str) -> IndexRow:
        try:
            text = line.split("\t")[self._column]
            if not text:
                raise KeyError(name)
            return parse_row(name, json.loads(text))
        except (ValueError, TypeError, IndexError) as error:
            raise InputError(f"knowledge/data/{FILE}: {name}: {error}", hint=_HINT) from error

    def __iter__(self) -> Iterator[str]:
        return (name for name, line in self._lines.items() if line.split("\t")[self._column])

    def __len__(self) -> int:
        return sum(1 for _ in self)


@lru_cache(maxsize=1)
def embedded_index() -> NixpkgsIndex:
    """The snapshot. Raises InputError if the installation is damaged."""
    try:
        return read_lines(zlib.decompress((DATA / FILE).read_bytes(), wbits=_GZIP).decode())
    except (OSError, zlib.error, ValueError) as error:
        raise InputError(f"cannot read the table {DATA / FILE}: {error}", hint=_HINT) from error


def read_lines(text: str) -> NixpkgsIndex:
    """Read an index in the format above. Raises ValueError, or InputError as ``parse_index``."""
    head, _, rest = text.partition("\n")
    raw = json.loads(head)
    if rest and not rest.endswith("\n"):
        raise ValueError("the last line is cut off")
    named = Lines(rest)
    sets = raw["sets"]
    index = parse_index({**raw, "sets": {key: {} for key in sets}}, "the embedded nixpkgs index")
    return index._replace(sets={key: LineSet(named, place) for place, key in enumerate(index.sets)})


def as_lines(raw: Mapping[str, object]) -> str:
    """Write the JSON of an index in the format above. Raises TypeError if it is not an index."""
    sets = raw["sets"]
    if not isinstance(sets, dict):
        raise TypeError("an index has sets")
    rows = [
        "\t".join((name, *(json.dumps(rows[name]) if name in rows else "" for rows in sets.values())))
        for name in sorted(set().union(*sets.values()))
    ]
    head = json.dumps({**raw, "sets": list(sets)}, sort_keys=True)
    return "\n".join((head, *rows)) + "\n"
