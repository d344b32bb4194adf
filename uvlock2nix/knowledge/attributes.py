"""What nixpkgs has under the attribute names in our tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from uvlock2nix.knowledge.names import former_name
from uvlock2nix.knowledge.tables import Row, Rows, load_table, text_of
from uvlock2nix.knowledge.templates import is_attribute

# The oldest release of nixpkgs that works without manual steps.
OLDEST: Final = "25.11"
_FILE: Final = "attributes.json"


class Attribute(NamedTuple):
    """A known attribute of nixpkgs, as of :func:`as_of`.

    ``since`` is the first release that has it, ``gone`` the first without it (``""``: no such release).
    ``refused`` is why nixpkgs refuses to evaluate it by default: ``unfree``, ``insecure``, ``broken``.
    ``folder`` is the folder of its libraries, relative to the library output. ``outputs`` is empty if they
    are not known.
    """

    name: str
    since: str = ""
    gone: str = ""
    refused: str = ""
    folder: str = "lib"
    outputs: tuple[str, ...] = ()


def judged(attr: str) -> Attribute | None:
    """What is known of an attribute; ``None`` if it is not in the table (usually the user's own)."""
    return judged_attributes().get(attr)


def library_folder(attr: str) -> str:
    """The folder of an attribute's libraries, relative to its library output: ``lib`` unless known."""
    found = judged(attr)
    return found.folder if found is not None else "lib"


def is_everywhere(attr: str) -> bool:
    """Whether every supported release of nixpkgs has the attribute, as far as is known."""
    found = judged(attr)
    return found is not None and not found.gone and found.since <= OLDEST


def former_attribute(attr: str) -> str | None:
    """The equivalent attribute in releases before ``since``; ``None`` if there is none."""
    former = former_name(attr)
    return former if former is not None and is_attribute(former) else None


def as_of() -> str:
    """When the table was last checked, as year and month."""
    return text_of(f"knowledge/data/{_FILE}: as_of", load_table(_FILE).get("as_of"))


@lru_cache(maxsize=1)
def judged_attributes() -> Mapping[str, Attribute]:
    """The whole table by name; a row is checked when it is looked up.

    Raises:
        InputError: the table is damaged.
    """
    return Rows(_FILE, load_table(_FILE).get("attributes"), _attribute)


def _attribute(where: str, raw: object) -> Attribute:
    row = Row(where, raw)
    found = Attribute(
        where.rpartition(": ")[2],
        since=row.text("since"),
        gone=row.text("gone"),
        refused=row.text("refused"),
        folder=row.text("folder", "lib"),
        outputs=row.texts("outputs"),
    )
    row.done()
    return found
