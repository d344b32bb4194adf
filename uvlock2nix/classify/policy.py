"""The user's policy on nixpkgs: the level, and the packages to take or never to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from uvlock2nix.classify.closure import FromNixpkgs
from uvlock2nix.errors import UsageError
from uvlock2nix.names import canonicalize_name

LEVELS: Final[tuple[FromNixpkgs, ...]] = get_args(FromNixpkgs)
_LISTS: Final = ("allow", "deny", "any-version")
KEYS: Final = (*_LISTS, "index")


def parse_level(text: str | None) -> FromNixpkgs:
    """``--from-nixpkgs``; ``None`` is the default, ``native``.

    Raises:
        UsageError: with the nearest level.
    """
    from uvlock2nix.spelling import did_you_mean

    for level in LEVELS:
        if text == level:
            return level
    if text is None:
        return "native"
    raise UsageError(
        f"from-nixpkgs: `{text}` is not a level{did_you_mean(text, LEVELS)}",
        hint="the levels are " + ", ".join(LEVELS),
    )


def parse_lists(table: Mapping[str, object]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """``[tool.uvlock2nix.nixpkgs]``: ``allow``, ``deny`` and ``any-version``, by canonical names.

    The packages to take from nixpkgs, those never to take, and those to take in any version.

    Raises:
        UsageError: for an unknown key, a value that is not a list of names, or a name in both lists.
    """
    from uvlock2nix.spelling import did_you_mean

    where = "[tool.uvlock2nix.nixpkgs]"
    unknown = [key for key in table if key not in KEYS]
    problems = [f"{where} unknown key `{key}`{did_you_mean(key, KEYS)}" for key in unknown]
    lists: dict[str, frozenset[str]] = {}
    for key in _LISTS:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            problems.append(f"{where} `{key}` must be a list of package names, not {value!r}")
            value = []
        lists[key] = frozenset(canonicalize_name(item) for item in value)
    both = (lists["allow"] | lists["any-version"]) & lists["deny"]
    if both:
        problems.append(f"{where} allows and denies {', '.join(sorted(both))}")
    if problems:
        raise UsageError("pyproject.toml: " + "; ".join(problems), hint=f"the keys are {', '.join(KEYS)}")
    return lists["allow"], lists["deny"], lists["any-version"]
