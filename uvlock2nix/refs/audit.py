"""Prove that a tree holds no store reference, by Nix's own rule."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from uvlock2nix.dist.record import is_record, owner, read_record
from uvlock2nix.refs.parallel import scan_files
from uvlock2nix.refs.scan import Entry, Hit, Scanner, read_link, walk
from uvlock2nix.refs.store import HASH_LENGTH, STORE_DIR, StorePath

Place: TypeAlias = Literal["content", "symlink", "name"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A reference that is left.

    ``offset``: in the content, the symlink's target or the file's name; ``reference``: ``<hash>-<name>``
    where the name is known, else the hash; ``package``: the owner by RECORD, or "".
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
    """Every reference in ``tree`` to one of ``store_paths``, and whatever looks like a path of the store.

    Contents, file names and symlink targets; nothing is exempt, not even the manifest.
    """
    tree = tree.resolve()
    names = {path.hash: path.base for path in store_paths}
    scanner = Scanner(names, store_dir=store_dir)
    findings: list[Finding] = []
    records: list[str] = []
    files: list[Entry] = []
    for entry in walk(tree):
        if entry.is_file:
            files.append(entry)
            if is_record(entry.path):
                records.append(entry.path)
        findings += _findings(tree, entry, scanner, names)
    for entry, hits in zip(files, scan_files(tree, files, scanner), strict=True):
        findings += [_finding(entry, hit, "content", names) for hit in hits]
    if not findings:
        return ()
    read = [read_record(tree, path) for path in records]
    return tuple(
        sorted(
            Finding(one.file, one.offset, one.reference, one.kind, owner(read, one.file)) for one in findings
        )
    )


def _findings(tree: Path, entry: Entry, scanner: Scanner, names: dict[str, str]) -> list[Finding]:
    """What is in the name of ``entry``, and in its target when it is a symlink."""
    found: list[Finding] = []
    name = entry.path.rpartition("/")[2]
    if len(name) >= HASH_LENGTH:
        found += [_finding(entry, hit, "name", names) for hit in scanner.in_bytes(os.fsencode(name))]
    if entry.is_link:
        target = read_link(tree / entry.path)
        found += [_finding(entry, hit, "symlink", names) for hit in scanner.in_bytes(target)]
    return found


def _finding(entry: Entry, hit: Hit, kind: Place, names: dict[str, str]) -> Finding:
    return Finding(entry.path, hit.offset, names.get(hit.hash, hit.hash), kind)
