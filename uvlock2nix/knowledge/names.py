"""Which nixpkgs attribute has a library, and what attributes are called in other nixpkgs releases."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from uvlock2nix.knowledge.tables import Rows, attribute_rows, load_table, text_of, texts_of


def sonames() -> Mapping[str, str]:
    """Soname → the attribute whose library output has it."""
    return attribute_rows("sonames.json", "sonames")


def soname_attribute(soname: str) -> str | None:
    """The nixpkgs attribute whose library output has ``soname``, or ``None``."""
    return sonames().get(soname)


def is_libc(soname: str) -> bool:
    """Whether it belongs to libc or is its loader, which every environment has with the interpreter."""
    return _matches("libc", soname)


def is_driver(soname: str) -> bool:
    """Whether it belongs to the NVIDIA driver.

    It must match the kernel module, so no package may provide it.
    """
    return _matches("driver", soname)


def _matches(key: str, soname: str) -> bool:
    return any(fnmatchcase(soname, pattern) for pattern in _patterns(key))


@lru_cache(maxsize=2)
def _patterns(key: str) -> tuple[str, ...]:
    return texts_of(f"knowledge/data/sonames.json: {key}", load_table("sonames.json").get(key))


def optional_sonames() -> Mapping[str, str]:
    """Sonames that nixpkgs does not have and whose users work without them → what they belong to."""
    return Rows("sonames.json", load_table("sonames.json").get("optional"), text_of)


def former_name(attr: str) -> str | None:
    """The name of an attribute in older nixpkgs, as text for people, or ``None``."""
    table = "attr-renames.json"
    return Rows(table, load_table(table).get("renames"), text_of).get(attr)


def python_attributes() -> Mapping[str, str]:
    """PyPI name → Python attribute, if nixpkgs uses a different name."""
    return attribute_rows("name-exceptions.json", "names")
