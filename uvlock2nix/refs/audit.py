"""Prove that a tree has no store reference, by Nix's own rule."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from uvlock2nix.dist.record import is_record, owner, read_record
from uvlock2nix.refs.parallel import scan_files
from uvlock2nix.refs.scan import Entry, Hit, Scanner, read_link, walk
from uvlock2nix.refs.store import HASH_LENGTH, STORE_DIR, StorePath

Place: TypeAlias = Literal["content", "symlink", "name"]
Left: TypeAlias = "tuple[str, Hit, Place]"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A remaining reference.

    ``offset``: in the content, the symlink's target or the file's name; ``reference``: ``<hash>-<name>``
    if the name is known, else the hash; ``package``: the owner by RECORD, or "".
    """

    file: str
    offset: int
    reference: str
    kind: Place
    package: str = ""

    def to_json(self) -> dict[str, object]:
        """The JSON object of ``refs audit --json``."""
        return {
            "file": self.file,
            "kind": self.kind,
            "offset": self.offset,
            "package": self.package,
            "reference": self.reference,
        }


def audit(tree: Path, *, store_paths: Iterable[StorePath], store_dir: str = STORE_DIR) -> tuple[Finding, ...]:
    """Every reference in ``tree`` to one of ``store_paths``, and anything that looks like a store path.

    It covers contents, file names and symlink targets; nothing is exempt, not even the manifest.
    """
    tree = tree.resolve()
    names = {path.hash: path.name for path in store_paths}
    scanner = Scanner(names, store_dir=store_dir)
    left: list[Left] = []
    files: list[Entry] = []
    for entry in walk(tree):
        if entry.is_file:
            files.append(entry)
        left += _in_entry(tree, entry, scanner)
    for entry, hits in zip(files, scan_files(tree, files, scanner), strict=True):
        left += [(entry.path, hit, "content") for hit in hits]
    return findings_of(tree, left, names)


def findings_of(tree: Path, left: Iterable[Left], names: Mapping[str, str]) -> tuple[Finding, ...]:
    """Findings, sorted, of (file, hit, place); ``names``: hash → name; owners by the RECORDs in ``tree``."""
    left = list(left)
    if not left:
        return ()
    read = [read_record(tree, one.path) for one in walk(tree) if one.is_file and is_record(one.path)]
    return tuple(
        sorted(
            Finding(path, hit.offset, _reference(hit.hash, names), kind, owner(read, path))
            for path, hit, kind in left
        )
    )


def _in_entry(tree: Path, entry: Entry, scanner: Scanner) -> Iterator[Left]:
    """References in the name of ``entry``, and in its target if it is a symlink."""
    name = entry.path.rpartition("/")[2]
    if len(name) >= HASH_LENGTH:
        yield from ((entry.path, hit, "name") for hit in scanner.in_bytes(os.fsencode(name)))
    if entry.is_link:
        target = read_link(tree / entry.path)
        yield from ((entry.path, hit, "symlink") for hit in scanner.in_bytes(target))


def _reference(store_hash: str, names: Mapping[str, str]) -> str:
    name = names.get(store_hash)
    return f"{store_hash}-{name}" if name else store_hash
