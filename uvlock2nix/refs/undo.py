"""Turn placeholders back into references: the pure half of restore."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from uvlock2nix.errors import RefsError
from uvlock2nix.refs.store import (
    HASH_LENGTH,
    PLACEHOLDER,
    PLACEHOLDER_PREFIX,
    StorePath,
    find_input,
    placeholder,
)
from uvlock2nix.refs.stripped import Reference
from uvlock2nix.sparse import filled

_BLOCK: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Spot:
    """A placeholder in a file: byte ``offset`` and its 32 ``token`` bytes."""

    offset: int
    token: bytes


@dataclass(slots=True)
class Undo:
    """The current path for each key. ``store`` is the store directory with a slash, as bytes."""

    store: bytes
    paths: Mapping[str, StorePath]
    left: frozenset[str]
    keys: Mapping[bytes, str] = field(default_factory=dict)

    def find(self, token: bytes) -> tuple[str, StorePath | None] | None:
        """(key, its current path or None if it is left) of a token; None for an unknown token."""
        key = self.keys.get(token)
        return None if key is None else (key, self.paths.get(key))

    def text(self, content: bytes, names: Mapping[str, frozenset[str]], counts: Counter[str]) -> bytes:
        """``content`` with every placeholder replaced; a former ``<hash>-<name>`` becomes the new one
        completely.

        ``names``: key → the names that strip left after the placeholder. ``counts`` is increased, by key.
        """
        parts: list[bytes] = []
        done = 0
        for match in PLACEHOLDER.finditer(content):
            found = self.find(match[0])
            if found is None:
                continue
            key, path = found
            counts[key] += 1
            if path is None:
                continue
            length, new = self._one(match[0], content[match.end() : match.end() + 212], names.get(key), path)
            parts += [content[done : match.start()], new]
            done = match.start() + length
        return b"".join([*parts, content[done:]])

    @staticmethod
    def _one(token: bytes, after: bytes, names: frozenset[str] | None, path: StorePath) -> tuple[int, bytes]:
        """(length of what is replaced, replacement)."""
        if token.endswith(b"o"):
            return HASH_LENGTH, path.base.encode()
        for name in sorted(names or (), key=len, reverse=True):
            if after.startswith(b"-" + name.encode()):
                return HASH_LENGTH + 1 + len(name), path.base.encode()
        return HASH_LENGTH, path.hash.encode()

    def string(
        self, spot: Spot, before: bytes, after: bytes, names: frozenset[str] | None
    ) -> tuple[int, bytes] | None:
        """The same-length write for a placeholder in a binary file; None if the key is left.

        A shorter path is padded with slashes after the store name: the string keeps its length, which the
        code may have as a constant, and ``/nix/store/<hash>-<name>//lib`` is the same file. A longer path
        cannot be written: :class:`RefsError`.
        """
        found = self.find(spot.token)
        if found is None or found[1] is None:
            return None
        length, new = self._one(spot.token, after, names, found[1])
        if len(new) > length or (len(new) < length and not before.endswith(self.store)):
            old = after[: length - HASH_LENGTH].decode("ascii", "replace")
            raise RefsError(
                f"at offset {spot.offset}: <hash>{old} is compiled in, "
                + (
                    f"and {found[1].base} is {len(new) - length} bytes longer"
                    if len(new) > length
                    else "not as a store path that could be padded"
                )
            )
        return spot.offset, new + b"/" * (length - len(new))


def make_undo(
    references: Iterable[Reference],
    *,
    inputs: Mapping[str, StorePath],
    others: Iterable[StorePath],
    leave: Iterable[str],
    store_dir: str,
) -> Undo:
    """The path for each key of the manifest; :class:`RefsError` names keys without one."""
    others = tuple(others)
    leave = frozenset(leave)
    paths: dict[str, StorePath] = {}
    left: set[str] = set()
    missing: dict[str, str] = {}
    keys: dict[bytes, str] = {}
    for one in references:
        for whole in (False, True):
            keys[placeholder(one.key, whole=whole)] = one.key
        if one.key in paths or one.key in left:
            continue
        path = None if one.key in leave else find_input(one.key, inputs, others)
        if path is not None:
            paths[one.key] = path
        elif one.key in leave or one.foreign:
            left.add(one.key)
        else:
            missing.setdefault(one.key, one.file)
    if missing:
        listed = "\n".join(f"  {key} (for {file})" for key, file in sorted(missing.items()))
        raise RefsError(
            f"no input matches these references:\n{listed}",
            hint="pass each with --input ATTR=PATH (in a derivation: referenceInputs), "
            "or keep its placeholder with --leave ATTR",
            data={"missing": sorted(missing)},
        )
    return Undo(os.fsencode(store_dir.rstrip("/") + "/"), paths, frozenset(left), keys)


def find_spots(descriptor: int) -> list[Spot]:
    """All placeholders of an open file, in order; read in blocks, without holes."""
    return [spot for begin, end in filled(descriptor) for spot in _spots(descriptor, begin, end)]


def _spots(descriptor: int, begin: int, end: int) -> Iterator[Spot]:
    keep = HASH_LENGTH - 1
    base, data = begin, os.pread(descriptor, min(_BLOCK, end - begin), begin)
    while True:
        if data.find(PLACEHOLDER_PREFIX) >= 0:
            yield from (Spot(base + match.start(), match[0]) for match in PLACEHOLDER.finditer(data))
        at = base + len(data)
        more = os.pread(descriptor, min(_BLOCK, end - at), at)
        if not more:
            return
        cut = max(len(data) - keep, 0)
        base, data = base + cut, data[cut:] + more


def split_runpath(text: bytes) -> list[bytes]:
    """The entries of a search path; an empty entry is kept, because it means the current directory."""
    return text.split(b":") if text else []


def kept_entries(
    text: bytes,
    undo: Undo,
    exists: Callable[[bytes], bool],
    names: Mapping[str, frozenset[str]],
    counts: Counter[str],
) -> tuple[bytes, tuple[bytes, ...]]:
    """(the restored search path, the dropped entries).

    Dropped are entries below the tree's own output that are not a directory of the tree (nixpkgs' linker adds
    ``$out/lib`` whether it exists or not), and entries of foreign stores, which do not exist.
    """
    entries: list[bytes] = []
    dropped: list[bytes] = []
    for entry in split_runpath(text):
        match = PLACEHOLDER.search(entry)
        found = undo.find(match[0]) if match else None
        new = undo.text(entry, names, counts)
        if match and found is not None:
            key, path = found
            rest = entry[match.end() :]
            if path is None and key in undo.left:
                dropped.append(entry)
                continue
            if key == "out" and match[0].endswith(b"o") and not exists(rest.strip(b"/")):
                dropped.append(new)
                continue
        entries.append(new)
    return b":".join(entries), tuple(dropped)


def names_of(references: Iterable[Reference]) -> dict[str, frozenset[str]]:
    """Key → the store names after its placeholders."""
    names: dict[str, frozenset[str]] = {}
    for one in references:
        if one.name:
            names[one.key] = names.get(one.key, frozenset()) | {one.name}
    return names


def string_writes(
    file: str,
    descriptor: int,
    names: Mapping[str, frozenset[str]],
    undo: Undo,
    counts: Counter[str],
    problems: list[str],
    *,
    without: Sequence[tuple[int, int]] = (),
) -> tuple[tuple[int, bytes], ...]:
    """The writes for the compiled-in placeholders of a file, except for those between ``without``."""
    writes: list[tuple[int, bytes]] = []
    os.lseek(descriptor, 0, os.SEEK_SET)
    for spot in find_spots(descriptor):
        found = undo.find(spot.token)
        if found is None or any(start <= spot.offset < end for start, end in without):
            continue
        counts[found[0]] += 1
        start = max(spot.offset - len(undo.store), 0)
        before = os.pread(descriptor, spot.offset - start, start)
        after = os.pread(descriptor, 212, spot.offset + 32)
        try:
            write = undo.string(spot, before, after, names.get(found[0]))
        except RefsError as error:
            problems.append(f"{file}: {error.message}")
            continue
        if write is not None:
            writes.append(write)
    return tuple(writes)


def check_counts(file: str, references: Iterable[Reference], counts: Counter[str]) -> bool:
    """Whether the file matches the manifest; False if it has already been restored.

    :class:`RefsError` if it is neither as strip left it nor without placeholders.
    """
    expected: Counter[str] = Counter()
    for one in references:
        expected[one.key] += one.count
    if counts == expected:
        return True
    if not counts.total():
        return False
    differing = sorted(key for key in expected.keys() | counts.keys() if expected[key] != counts[key])
    raise RefsError(
        f"{file}: the manifest records {expected[differing[0]]} references to {differing[0]}, the file has "
        f"{counts[differing[0]]}; it was changed after it was stripped"
    )
