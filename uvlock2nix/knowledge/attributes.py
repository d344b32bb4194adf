"""What nixpkgs has under the attribute names that our tables use: the judged table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.tables import load_table

_HINT: Final = "install uvlock2nix again"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One judged attribute of nixpkgs, as of :func:`as_of`.

    ``since`` is the first release that has it, ``gone`` the first without it (``""``: no such release).
    ``refused`` says why nixpkgs does not evaluate it unless asked to: ``unfree``, ``insecure``, ``broken``.
    ``folder`` is where its libraries are, relative to the library output. ``outputs`` is empty where they
    are not known.
    """

    name: str
    since: str = ""
    gone: str = ""
    refused: str = ""
    folder: str = "lib"
    outputs: tuple[str, ...] = ()


def judged(attr: str) -> Attribute | None:
    """What is known of an attribute; ``None`` where nobody looked (a user's own, most likely)."""
    return judged_attributes().get(attr)


def library_folder(attr: str) -> str:
    """Where the libraries of an attribute are, relative to its library output: ``lib`` unless known."""
    found = judged(attr)
    return found.folder if found is not None else "lib"


def as_of() -> str:
    """When the table was judged, as year and month."""
    return str(load_table("attributes.json").get("as_of", ""))


@lru_cache(maxsize=1)
def judged_attributes() -> Mapping[str, Attribute]:
    """The whole table by name.

    Raises:
        InputError: the table is damaged.
    """
    raw = load_table("attributes.json").get("attributes")
    if not isinstance(raw, dict):
        raise InputError("knowledge/data/attributes.json has no attributes", hint=_HINT)
    return {name: _attribute(name, row) for name, row in raw.items()}


def _attribute(name: str, row: object) -> Attribute:
    if not isinstance(row, dict):
        raise InputError(f"knowledge/data/attributes.json: {name} is not a table", hint=_HINT)
    unknown = row.keys() - {"since", "gone", "refused", "folder", "outputs"}
    outputs = row.get("outputs", [])
    if unknown or not isinstance(outputs, list):
        wrong = ", ".join(sorted(unknown)) or "outputs"
        raise InputError(f"knowledge/data/attributes.json: {name}: wrong keys: {wrong}", hint=_HINT)
    return Attribute(
        name,
        since=str(row.get("since", "")),
        gone=str(row.get("gone", "")),
        refused=str(row.get("refused", "")),
        folder=str(row.get("folder", "lib")),
        outputs=tuple(map(str, outputs)),
    )
