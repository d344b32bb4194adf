"""Which section of the page Troubleshooting is about an error: it quotes the error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
# The letters that a template has to have in common with a quotation: shorter ones fit anything.
LEAST: Final = 12


@dataclass(frozen=True, slots=True)
class Quotation:
    """A line of output, as a section of the page quotes it, and the section's anchor."""

    anchor: str
    text: str


@lru_cache(maxsize=1)
def quotations() -> tuple[Quotation, ...]:
    """All of them, in the order of the page."""
    return tuple(_read(PAGE.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[Quotation]:
    anchor = ""
    for line in text.splitlines():
        if heading := re.match(r"## .*\{ #([a-z-]+) \}$", line):
            anchor = heading[1]
        elif quoted := re.match(r"> `(.+)`$", line):
            yield Quotation(anchor, re.sub(r"^(?:error|hint|note): ", "", quoted[1]))


def fits(template: str, text: str) -> bool:
    """Whether a text is what a template with ``…`` in it prints. Quotation marks and backticks do not count."""
    parts = [part.strip() for part in re.split(r"…|<[a-z]+>|\\?\"|`", template)]
    if sum(map(len, parts)) < LEAST:
        return False
    return re.search(".*".join(re.escape(part) for part in parts if part), text) is not None


def advice(template: str) -> str | None:
    """The anchor of the section that quotes what ``template`` prints."""
    return next((one.anchor for one in quotations() if fits(template, one.text)), None)
