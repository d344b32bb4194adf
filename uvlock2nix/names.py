"""Names of packages: their normal form, and the name in a requirement.

The normal form is that of ``packaging.utils.canonicalize_name``. Importing that module loads platform tags,
``subprocess`` and ``logging``, and the requirement parser is as slow to load: slower than reading a small
lock.
"""

from __future__ import annotations

from typing import Final

from uvlock2nix.regex import regex

_SEPARATORS: Final = regex(r"[-_.]+")
_VERSION: Final = r"\s*(?:[<>=!]=|[<>])\s*[0-9]{1,9}(?:\.[0-9]{1,9})*\s*"
_PLAIN: Final = regex(rf"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:{_VERSION}(?:,{_VERSION})*)?\Z")


def canonicalize_name(name: str) -> str:
    """``Foo.Bar__baz`` → ``foo-bar-baz``.

    https://packaging.python.org/en/latest/specifications/name-normalization/#name-normalization
    """
    return _SEPARATORS.sub("-", name).lower()


def required_name(text: str) -> str:
    """The normal form of the name in a requirement; ``""`` if ``text`` is not a requirement.

    https://packaging.python.org/en/latest/specifications/dependency-specifiers/
    """
    if plain := _PLAIN.match(text):
        return canonicalize_name(plain[1])
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return ""
