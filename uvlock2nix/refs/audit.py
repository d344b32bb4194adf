"""Prove that a tree holds no store reference, by Nix's own rule."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from uvlock2nix.refs.records import Record, is_record, owner
from uvlock2nix.refs.scan import Entry, Hit, Scanner, read_link, walk
from uvlock2nix.refs.store import STORE_DIR, StorePath


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A reference that is left.

    ``offset``: in the content, the symlink's target or the file's name; ``reference``: ``<hash>-<name>``
    where the name is known, else the hash; ``package``: the owner by RECORD, or "".
    """

    file: str
    offset: int
    reference: str
    kind: Literal["content", "symlink", "name"]
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
    """Every reference in ``tree`` to one of ``store_paths``, and whatever looks like a path of the store.

    Contents, file names and symlink targets; nothing is exempt, not even the manifest.
    """
    tree = tree.resolve()
    names = {path.hash: path.base for path in store_paths}
    scanner = Scanner(names, store_dir=store_dir)
    findings: list[Finding] = []
    records: list[str] = []
    for entry in walk(tree):
        if entry.is_file and is_record(entry.path):
            records.append(entry.path)
        findings += _findings(tree, entry, scanner, names)
    if not findings:
        return ()
    read = [Record(path, (tree / path).read_bytes()) for path in records]
    return tuple(
        sorted(
            Finding(one.file, one.offset, one.reference, one.kind, owner(read, one.file)) for one in findings
        )
    )


def _findings(tree: Path, entry: Entry, scanner: Scanner, names: dict[str, str]) -> list[Finding]:
    found: list[tuple[Literal["content", "symlink", "name"], Hit]] = []
    name = entry.path.rpartition("/")[2]
    if len(name) >= 32:
        found += [("name", hit) for hit in scanner.in_bytes(os.fsencode(name))]
    if entry.is_link:
        target = read_link(tree / entry.path)
        found += [("symlink", hit) for hit in scanner.in_bytes(target)]
    elif entry.is_file:
        hits = scanner.in_path(f"{tree}/{entry.path}", entry.status.st_size)
        found += [("content", hit) for hit in hits]
    return [Finding(entry.path, hit.offset, names.get(hit.hash, hit.hash), kind) for kind, hit in found]
