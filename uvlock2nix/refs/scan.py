"""Find store references by Nix's rule: any 32 characters equal to a known hash, anywhere.

It takes one pass, whatever the number of hashes. Each block is translated into a map of zeros and ones (can
this byte be in a hash?), which is searched for runs of 32 ones: both are single C loops, and the few runs are
looked up in a set. In CPython, this is faster than one search per hash from three hashes on, and faster than
any regular expression.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from uvlock2nix.errors import RefsError
from uvlock2nix.refs.store import ALPHABET, HASH_LENGTH
from uvlock2nix.sparse import filled

BLOCK: Final = 1 << 18  # fits into the second-level cache
_IN_HASH: Final = bytes(1 if byte in ALPHABET else 0 for byte in range(256))
_RUN: Final = b"\1" * HASH_LENGTH
_STEP: Final = 4
_SAMPLED: Final = b"\1" * (HASH_LENGTH // _STEP)
_LOOKS: Final = 300
# Smaller files are mostly text, in which samples say little.
_WORTH_A_LOOK: Final = 1 << 16


def may_have_run(data: bytes) -> bool:
    """Whether ``data`` may have 32 bytes in a row that can be in a hash.

    Only every fourth byte is checked, and the surroundings of eight of these in a row: 32 bytes in a row
    contain eight. In machine code, this takes half the time of looking at every byte. Where there are too
    many of these, nothing is known.
    """
    mask = data[::_STEP].translate(_IN_HASH)
    at = mask.find(_SAMPLED)
    for _ in range(_LOOKS):
        if at < 0:
            return False
        end = mask.find(b"\0", at)
        if end < 0:
            end = len(mask)
        if data[max(0, _STEP * (at - 1) + 1) : _STEP * end].translate(_IN_HASH).find(_RUN) >= 0:
            return True
        at = mask.find(_SAMPLED, end)
    return True


@dataclass(frozen=True, slots=True)
class Hit:
    """A reference: byte ``offset`` of the hash, and the hash."""

    offset: int
    hash: str


class Entry(NamedTuple):
    """An entry of the tree; ``path`` is relative to it, with ``/``; ``mode`` and ``size`` are of its lstat.

    ``inode``: device and inode of a file with several hard links, else None. There may be millions: the
    whole lstat would take half a kilobyte.
    """

    path: str
    mode: int
    size: int
    inode: tuple[int, int] | None

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symlink."""
        return stat.S_ISLNK(self.mode)


class Scanner:
    """Looks for ``hashes``, and for ``<store_dir>/<hash>-`` of any other hash."""

    def __init__(self, hashes: Iterable[str], *, store_dir: str, block: int = BLOCK) -> None:
        self._block_size = block
        self.hashes = frozenset(value.encode() for value in hashes)
        self.prefix = os.fsencode(store_dir.rstrip("/") + "/")

    def in_bytes(self, data: bytes) -> list[Hit]:
        """All references of ``data``, in order."""
        return self._block(data, 0, len(data))

    def _block(self, data: bytes, start: int, limit: int) -> list[Hit]:
        """References of ``data`` whose hash begins in ``start`` ≤ offset < ``limit``."""
        if len(data) >= _WORTH_A_LOOK and not may_have_run(data):
            return []
        mask = data.translate(_IN_HASH)
        at = mask.find(_RUN)
        if at < 0:
            return []
        hits: list[Hit] = []
        while at >= 0:
            end = mask.find(b"\0", at)
            if end < 0:
                end = len(mask)
            hits += self._run(data, max(at, start), min(end - HASH_LENGTH + 1, limit))
            at = mask.find(_RUN, end)
        return hits

    def _run(self, data: bytes, first: int, last: int) -> list[Hit]:
        hashes, prefix = self.hashes, self.prefix
        hits = [
            Hit(at, data[at : at + 32].decode()) for at in range(first, last) if data[at : at + 32] in hashes
        ]
        # Between a slash and a dash, a run is a whole hash: only its start can be a foreign path.
        if (
            first < last
            and data[first + 32 : first + 33] == b"-"
            and data.endswith(prefix, max(first - len(prefix), 0), first)
            and data[first : first + 32] not in hashes
        ):
            hits.insert(0, Hit(first, data[first : first + 32].decode()))
        return hits

    def in_path(self, path: str, size: int) -> list[Hit]:
        """All references of the file at ``path`` of ``size`` bytes; a symlink is not followed."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise RefsError(f"{path}: the file cannot be read: {error.strerror}") from error
        try:
            if size < self._block_size:
                # Almost every file takes one read, of one more byte than expected to notice a file that grew.
                data = os.read(descriptor, size + 1)
                if len(data) <= size:
                    return self._block(data, 0, len(data)) if len(data) >= HASH_LENGTH else []
            return self.in_file(descriptor)
        except OSError as error:
            raise RefsError(f"{path}: the file cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def in_file(self, descriptor: int) -> list[Hit]:
        """All references of an open file, read in blocks; holes are skipped."""
        return [hit for begin, end in filled(descriptor) for hit in self._part(descriptor, begin, end)]

    def _part(self, descriptor: int, begin: int, end: int) -> Iterator[Hit]:
        base, start, data = begin, 0, os.pread(descriptor, min(self._block_size, end - begin), begin)
        at = begin + len(data)
        while True:
            more = os.pread(descriptor, min(self._block_size, end - at), at)
            at += len(more)
            limit = len(data) if not more else max(len(data) - HASH_LENGTH, start)
            yield from (Hit(base + hit.offset, hit.hash) for hit in self._block(data, start, limit))
            if not more:
                return
            cut = max(limit - len(self.prefix), 0)
            base, start = base + cut, limit - cut
            data = data[cut:] + more


def read_link(path: Path) -> bytes:
    """The target of a symlink, byte for byte (``Path.readlink`` would tidy it up)."""
    try:
        return os.readlink(os.fsencode(path))  # noqa: PTH115
    except OSError as error:
        raise RefsError(f"{path}: the symlink cannot be read: {error.strerror}") from error


@contextmanager
def open_file(path: Path) -> Iterator[int]:
    """A descriptor of a file for reading, without following symlinks. Raises :class:`RefsError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise RefsError(f"{path}: the file cannot be read: {error.strerror}") from error
    try:
        yield descriptor
    except OSError as error:
        raise RefsError(f"{path}: the file cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _entry(path: str, status: os.stat_result) -> Entry:
    several = status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode)
    inode = (status.st_dev, status.st_ino) if several else None
    return Entry(path, status.st_mode, status.st_size, inode)


def walk(root: Path) -> Iterator[Entry]:
    """Everything below ``root`` in byte order, directories before their content; symlinks are not followed.

    :class:`RefsError` for files not allowed in a store path (devices, sockets, pipes) and unreadable
    directories.
    """
    stack = [""]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(root / folder if folder else root) as listing:
                entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
                start = f"{folder}/" if folder else ""
                found = [_entry(start + entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            raise RefsError(f"{root / folder}: the directory cannot be read: {error.strerror}") from error
        below = []
        for entry in found:
            mode = entry.mode
            if stat.S_ISDIR(mode):
                below.append(entry.path)
            elif not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                raise RefsError(
                    f"{root / entry.path} is neither a file, a directory nor a symlink",
                    hint="the Nix store cannot contain it; remove it before stripping",
                )
            yield entry
        stack += reversed(below)
