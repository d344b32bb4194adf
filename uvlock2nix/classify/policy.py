"""Putting knowledge together for one project: the user's tables, what its sdists say, an exact index.

The only part of ``knowledge`` that touches the disk outside of our own tables; it is called from the
command line, never from a stage.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final, get_args

from packaging.utils import canonicalize_name

from uvlock2nix.classify.closure import FromNixpkgs
from uvlock2nix.errors import UsageError

LEVELS: Final[tuple[FromNixpkgs, ...]] = get_args(FromNixpkgs)
_KEYS: Final = ("allow", "deny", "index")


def parse_level(text: str | None) -> FromNixpkgs:
    """``--from-nixpkgs``; ``None`` is the default, ``native``.

    Raises:
        UsageError: naming the nearest level.
    """
    for level in LEVELS:
        if text == level:
            return level
    if text is None:
        return "native"
    near = difflib.get_close_matches(text, LEVELS, n=1)
    raise UsageError(
        f"from-nixpkgs: `{text}` is no level" + (f"; did you mean `{near[0]}`?" if near else ""),
        hint="the levels are " + ", ".join(LEVELS),
    )


def parse_lists(table: Mapping[str, object]) -> tuple[frozenset[str], frozenset[str]]:
    """``[tool.uvlock2nix.nixpkgs]``: the packages to take from nixpkgs, and those never to take.

    Raises:
        UsageError: for an unknown key, a value that is no list of names, or a name in both lists.
    """
    problems: list[str] = []
    where = "[tool.uvlock2nix.nixpkgs]"
    for key in table:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            problems.append(f"{where} unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else ""))
    lists: dict[str, frozenset[str]] = {}
    for key in ("allow", "deny"):
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            problems.append(f"{where} `{key}` must be a list of package names, not {value!r}")
            value = []
        lists[key] = frozenset(canonicalize_name(item) for item in value)
    both = lists["allow"] & lists["deny"]
    if both:
        problems.append(f"{where} allows and denies {', '.join(sorted(both))}")
    if problems:
        raise UsageError("pyproject.toml: " + "; ".join(problems), hint="the keys are allow, deny and index")
    return lists["allow"], lists["deny"]
