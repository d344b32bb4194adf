"""Regular expressions that are compiled when they are first used.

To compile one takes 0.1 to 1 ms, a command of ours loads more than a hundred, and uses a third of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # What it makes is used as what `re.compile` makes.
    from re import compile as regex


class _Pattern:
    """Stands for a compiled pattern: the first use of each of its methods compiles it."""

    def __init__(self, text: str | bytes, flags: int = 0) -> None:
        self._made_of = text, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        text, flags = self._made_of
        found = getattr(re.compile(text, flags), name)
        # From now on found without this detour.
        setattr(self, name, found)
        return found


if not TYPE_CHECKING:
    regex = _Pattern

__all__ = ["regex"]
