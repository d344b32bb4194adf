"""Which nixpkgs attribute has a library, and what attributes are called in other nixpkgs."""

from __future__ import annotations

from collections.abc import Mapping

from uvlock2nix.knowledge.tables import Rows, attribute_rows, load_table, text_of


def sonames() -> Mapping[str, str]:
    """Soname → the attribute whose library output has it."""
    return attribute_rows("sonames.json", "sonames")


def soname_attribute(soname: str) -> str | None:
    """The nixpkgs attribute whose library output has ``soname``, or ``None``."""
    return sonames().get(soname)


def former_name(attr: str) -> str | None:
    """What an attribute of today's nixpkgs is called in older ones (words for people), or ``None``."""
    table = "attr-renames.json"
    return Rows(table, load_table(table).get("renames"), text_of).get(attr)


def python_attributes() -> Mapping[str, str]:
    """PyPI name → Python attribute, where nixpkgs calls a package otherwise."""
    return attribute_rows("name-exceptions.json", "names")
