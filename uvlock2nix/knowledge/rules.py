"""Rules between packages and between libraries: ``data/rules.json``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from uvlock2nix.knowledge.tables import Row, attribute_rows, attributes_of, items_of, load_table

_FILE: Final = "rules.json"


class SharedLibrary(NamedTuple):
    """``packages`` exchange objects of ``library``; ``symptom`` is what a mixture of copies causes."""

    library: str
    packages: tuple[str, ...]
    symptom: str
    source: str


@lru_cache(maxsize=1)
def shared_libraries() -> tuple[SharedLibrary, ...]:
    """Packages that must share a copy of a library. Raises InputError if the table is damaged."""
    return tuple(_shared(where, raw) for where, raw in items_of(_FILE, "shared_libraries"))


def _shared(where: str, raw: object) -> SharedLibrary:
    row = Row(where, raw)
    rule = SharedLibrary(
        library=row.text("library"),
        packages=row.texts("packages"),
        symptom=row.text("symptom"),
        source=row.text("source"),
    )
    row.done()
    return rule


@lru_cache(maxsize=1)
def alternatives() -> tuple[tuple[str, ...], ...]:
    """Interchangeable libraries, of which a build uses one; the usual one first."""
    return tuple(attributes_of(where, raw) for where, raw in items_of(_FILE, "alternatives"))


def allocators() -> frozenset[str]:
    """Allocators, which are always optional: what they replace is in libc."""
    return _attributes("allocators")


def programs_only() -> frozenset[str]:
    """Attributes that are programs of builds, never libraries."""
    return _attributes("programs_only")


def implied() -> Mapping[str, str]:
    """Program → the library that a build links if it runs the program."""
    return attribute_rows(_FILE, "implied")


@lru_cache(maxsize=2)
def _attributes(key: str) -> frozenset[str]:
    return frozenset(attributes_of(f"knowledge/data/{_FILE}: {key}", load_table(_FILE).get(key)))
