"""Rules between packages: which ones must share one copy of a library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SharedLibrary:
    """``packages`` pass objects of ``library`` to each other; ``symptom`` is what a mixture does."""

    library: str
    packages: tuple[str, ...]
    symptom: str
    source: str


_SHARED: Final = (
    SharedLibrary(
        "libxml2",
        ("lxml", "xmlsec"),
        "import fails with `lxml & xmlsec libxml2 library version mismatch`",
        "xmlsec checks libxml2's version against lxml's when it is imported",
    ),
)


def shared_libraries() -> tuple[SharedLibrary, ...]:
    """The known rules."""
    return _SHARED
