"""Undeclared build requirements, and those whose pins are wrong: ``data/build-requires.json``."""

from __future__ import annotations

from functools import lru_cache

from uvlock2nix.knowledge.tables import Rows, load_table, texts_of
from uvlock2nix.names import canonicalize_name, required_name

_FILE = "build-requires.json"


def build_requirements(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Python requirements that an sdist needs and does not declare, and those whose pins are to be ignored.

    Raises:
        InputError: the table, or the row of this package, is damaged.
    """
    key = canonicalize_name(name)
    return _rows("missing").get(key, ()), _rows("relax").get(key, ())


@lru_cache(maxsize=2)
def _rows(part: str) -> Rows[tuple[str, ...]]:
    return Rows(_FILE, load_table(_FILE).get(part), requirements_of)


def requirements_of(where: str, raw: object) -> tuple[str, ...]:
    """Read a row that is a list of requirements. Raises InputError; ``where`` names the row."""
    return texts_of(where, raw, is_requirement, "a Python requirement")


def is_requirement(text: str) -> bool:
    """Whether ``text`` has the form of a dependency specifier (PEP 508)."""
    return bool(required_name(text))
