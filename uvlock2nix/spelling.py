"""Suggestions for misspelt words."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to ``word``; ``None`` if none is near."""
    # Imported on use: only a misspelt name needs it.
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return near[0] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean `x`?``, to append to a message; ``""`` if no word is near."""
    near = nearest(word, known)
    return f"; did you mean `{near}`?" if near is not None else ""
