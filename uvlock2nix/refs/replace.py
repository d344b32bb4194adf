"""Turn references into placeholders, as values: the new bytes, and records of the old."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Final

from uvlock2nix.refs.elf import ElfFile
from uvlock2nix.refs.elfusers import other_users, shared_runpaths
from uvlock2nix.refs.scan import Hit, Scanner
from uvlock2nix.refs.store import NAME_CHARACTERS, Keys, placeholder
from uvlock2nix.refs.stripped import Kind, Reference
from uvlock2nix.regex import regex

_LARGEST_TEXT: Final = 32 << 20
_NAME: Final = regex(rb"-(%s{1,211})" % NAME_CHARACTERS)


class Replacer:
    """Turns hits into placeholders and counts them as references."""

    def __init__(self, keys: Keys, scanner: Scanner, *, store_dir: str) -> None:
        self._keys = keys
        self._known = frozenset(value.decode() for value in scanner.hashes)
        self.scanner = scanner
        self._store = Path(store_dir)
        self._prefix = scanner.prefix
        self.counts: Counter[Reference] = Counter()

    def _name_after(self, store_hash: str, after: bytes) -> str:
        """The store name at the start of ``after`` (what follows the hash), after its dash, or ""."""
        known = self._keys.names.get(store_hash)
        if known is not None:
            return known if after.startswith(b"-" + known.encode()) else ""
        match = _NAME.match(after)
        return match[1].decode() if match else ""

    def _count(self, file: str, kind: Kind, hit: Hit, name: str, *, room: int = 0, kept: bool) -> str:
        key = self._keys.key(hit.hash, name)
        known_name = self._keys.names.get(hit.hash, name)
        foreign = hit.hash not in self._known and not os.path.lexists(
            self._store / f"{hit.hash}-{known_name}"
        )
        self.counts[Reference(file, kind, key, name if kept else "", 1, room, foreign)] += 1
        return key

    def same_length(self, file: str, kind: Kind, hit: Hit, after: bytes) -> bytes:
        """The 32 bytes that replace the hash of ``hit``; ``after`` is what follows the hash in the file."""
        name = self._name_after(hit.hash, after)
        return placeholder(self._count(file, kind, hit, name, kept=True))

    def canonical(self, file: str, kind: Kind, text: bytes, *, room: int = 0) -> bytes:
        """``text`` with one placeholder for each ``<hash>-<name>``: the version is removed."""
        parts: list[bytes] = []
        done = 0
        for hit in self.scanner.in_bytes(text):
            if hit.offset < done:
                continue
            after = text[hit.offset + 32 :]
            name = self._name_after(hit.hash, after) if text.endswith(self._prefix, 0, hit.offset) else ""
            key = self._count(file, kind, hit, name, room=room, kept=False)
            parts += [text[done : hit.offset], placeholder(key, whole=bool(name))]
            done = hit.offset + 32 + (len(name) + 1 if name else 0)
        return b"".join([*parts, text[done:]])

    def references(self) -> tuple[Reference, ...]:
        """All references counted so far, sorted."""
        return tuple(
            sorted(
                Reference(one.file, one.kind, one.key, one.name, count, one.room, one.foreign)
                for one, count in self.counts.items()
            )
        )


def elf_places(elf: ElfFile, hits: list[Hit]) -> list[tuple[Kind, int, bytes, int]]:
    """(kind, offset, text, number of final bytes to keep) of the strings that can become canonical."""
    places: list[tuple[Kind, int, bytes, int]] = []

    def has_hit(offset: int, text: bytes) -> bool:
        return any(offset <= hit.offset and hit.offset + 32 <= offset + len(text) for hit in hits)

    interpreter = elf.facts.interpreter
    if interpreter is not None and has_hit(interpreter.offset, interpreter.text):
        places.append(("interp", interpreter.offset, interpreter.text, 0))
    shared = shared_runpaths(elf.facts)
    for runpath in elf.facts.runpaths:
        if runpath.index not in shared and has_hit(runpath.offset, runpath.text):
            users = other_users(elf, runpath, len(runpath.text))
            if users is not None:
                keep = len(runpath.text) - min(users) if users else 0
                places.append(("rpath", runpath.offset, runpath.text, keep))
    return places


def place(old: bytes, new: bytes, keep: int) -> bytes | None:
    """Fit ``new`` into ``old`` with NULs as padding, keeping its last ``keep`` bytes; None if too long."""
    if len(new) + (1 + keep if keep else 0) <= len(old):
        return new + b"\0" * (len(old) - len(new) - keep) + old[len(old) - keep :]
    return new if len(new) == len(old) and new.endswith(old[len(old) - keep :]) else None


def read_text(descriptor: int, size: int) -> bytes | None:
    """The content of a text file, None if it is not one (a NUL, not UTF-8, or larger than 32 MiB)."""
    if size > _LARGEST_TEXT:
        return None
    content = os.pread(descriptor, size, 0)
    if b"\0" in content or content.startswith(
        (b"!<arch>\n", b"!<thin>\n")
    ):  # ar records the size of its members
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return None
    return content
