"""Text inside of Markdown."""

from __future__ import annotations

import re


def cell(text: str) -> str:
    """Text for a cell of a table: one line, and no column by accident."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def code_cell(text: str) -> str:
    """The same as code, where entities are not read."""
    return "`" + " ".join(text.split()).replace("|", "\\|").replace("`", "'") + "`"


def slug(text: str) -> str:
    """An anchor of words."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
