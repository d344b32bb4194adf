"""Build requirements that sdists leave out, and those whose pins are wrong: ``data/build-requires.json``."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from uvlock2nix.knowledge.tables import Rows, load_table, texts_of

_FILE = "build-requires.json"


def build_requirements(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Python requirements that an sdist needs and does not declare, and those whose pins to ignore.

    Raises:
        InputError: the table, or the row of this package, is damaged.
    """
    raw, key = load_table(_FILE), canonicalize_name(name)
    missing, relax = (Rows(_FILE, raw.get(part), requirements_of) for part in ("missing", "relax"))
    return missing.get(key, ()), relax.get(key, ())


def requirements_of(where: str, raw: object) -> tuple[str, ...]:
    """A row that is a list of requirements. Raises InputError; ``where`` names the row."""
    return texts_of(where, raw, is_requirement, "a Python requirement")


def is_requirement(text: str) -> bool:
    """Whether ``text`` has the form of a dependency specifier (PEP 508)."""
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True
