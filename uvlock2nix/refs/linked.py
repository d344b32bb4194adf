"""Libraries that compiled files were linked against, recorded instead of an RPATH.

An RPATH decides the length of an ELF file's string table, and so the position of everything after it: a
library whose version has one more digit would change bytes everywhere. So deps links without one, and records
in its manifest, under ``libraries``, what the linker would have written; restore appends it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from uvlock2nix.errors import RefsError, UsageError
from uvlock2nix.refs.store import StorePath, check_key
from uvlock2nix.refs.stripped import Manifest, Reference, is_inside, is_text


@dataclass(frozen=True, slots=True, order=True)
class Linked:
    """``file`` of the tree needs the folder ``folder`` (relative, such as ``lib``) of the input ``key``."""

    file: str
    key: str
    folder: str

    def to_json(self) -> dict[str, str]:
        """The JSON object of the manifest."""
        return {"file": self.file, "folder": self.folder, "key": self.key}


def read_linked(record: Manifest, *, where: str) -> tuple[Linked, ...]:
    """Read ``libraries`` of the manifest ``record``, in its order, which is the search order.

    Raises:
        RefsError: it has a different form; ``where`` is for the message.
    """
    items = record.rest.get("libraries", [])
    if not isinstance(items, list):
        raise RefsError(f"{where}: `libraries` is not a list")
    return tuple(_linked(item, f"{where}: libraries[{number}]") for number, item in enumerate(items))


def _linked(item: object, where: str) -> Linked:
    texts = [item.get(name) for name in ("file", "key", "folder")] if isinstance(item, dict) else []
    if len(texts) != 3 or not all(is_text(text) for text in texts):
        raise RefsError(f"{where} is not an object with the strings file, key and folder")
    file, key, folder = (str(text) for text in texts)
    if not is_inside(file) or not is_inside(folder) or ":" in folder:
        raise RefsError(f"{where}: {file!r} and {folder!r} must be relative paths that stay inside")
    try:
        check_key(key)
    except UsageError as error:
        raise RefsError(f"{where}.key: {error.message}") from error
    return Linked(file, key, folder)


def as_references(linked: Iterable[Linked]) -> tuple[Reference, ...]:
    """A reference for each, whose key needs an input at restore."""
    return tuple(Reference(one.file, "rpath", one.key) for one in linked)


def search_paths(
    linked: Iterable[Linked], paths: Mapping[str, StorePath], store: bytes
) -> dict[str, list[bytes]]:
    """File → search path entries; ``store`` ends with a slash. Keys without a path were left in place."""
    found: dict[str, list[bytes]] = {}
    for one in linked:
        if one.key in paths:
            entry = store + os.fsencode(f"{paths[one.key].base}/{one.folder}")
            found.setdefault(one.file, []).append(entry)
    return found
