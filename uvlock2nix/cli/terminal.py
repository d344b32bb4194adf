"""What is shown on a terminal: names from hostile trees and locks must not steer it."""

from __future__ import annotations


def visible(text: str, *, lines: bool = False) -> str:
    """``text`` with control characters and bytes that are no text escaped; ``lines``: line ends stay."""
    return "".join(
        char if char.isprintable() or (lines and char == "\n") else ascii(char)[1:-1] for char in text
    )
