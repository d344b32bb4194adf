"""Make text printable: names from hostile trees, locks and archives must not control a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str | bytes, limit: int = 0, *, lines: bool = False) -> str:
    """``text`` with control characters, and invalid characters, escaped as in Python.

    ``limit``: the maximum length, 0 for all; longer text is cut. ``lines``: line ends are kept.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = "".join(_shown(char) if not (lines and char == "\n") else char for char in _characters(text))
    return text if not limit or len(text) <= limit else text[: limit - 1] + "…"


def first_of(names: Sequence[str], most: int) -> str:
    """``a, b and 3 more``: the first ``most`` of many names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _shown(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]


def _characters(text: str) -> str:
    """``text`` with the surrogates of a non-UTF-8 file name turned back into bytes."""
    if all("\udc80" <= char <= "\udcff" for char in text if "\ud800" <= char <= "\udfff"):
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text
