"""The bytes of an ELF file, for pyelftools and for us: never outside the file, and limited in total."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeAlias

Read: TypeAlias = Callable[[int, int], bytes]
_MOST_READS: Final = 1 << 20
_BLOCK: Final = 1 << 12


class CorruptElf(Exception):
    """The file starts like ELF, but is inconsistent."""


def file_reader(descriptor: int) -> Read:
    """A reader of an open file for :func:`read_elf`."""

    def read(offset: int, size: int) -> bytes:
        data = os.pread(descriptor, size, offset)
        if len(data) != size:
            raise CorruptElf(f"the file ends before offset {offset + size}")
        return data

    return read


def bytes_reader(content: bytes) -> Read:
    """A reader of bytes for :func:`read_elf`."""

    def read(offset: int, size: int) -> bytes:
        data = content[offset : offset + size]
        if len(data) != size:
            raise CorruptElf(f"the file ends before offset {offset + size}")
        return data

    return read


class GuardedStream:
    """The file for pyelftools: small reads come from a cached block, and the total is limited."""

    def __init__(self, read: Read, size: int) -> None:
        self._raw, self._size = read, size
        self._at = self._start = 0
        self._block = b""
        self._left = _MOST_READS

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As for a binary file."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        """As for a binary file."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """As for a binary file; CorruptElf if more is read than an honest file needs."""
        there = max(self._size - self._at, 0)
        size = there if size < 0 else min(size, there)
        self._left -= 1 + size // _BLOCK
        if self._left < 0 or self._at < 0:
            raise CorruptElf("its tables are impossibly long")
        first = self._at - self._start
        if first < 0 or first + size > len(self._block):
            self._block = self._raw(self._at, min(max(size, _BLOCK), there))
            self._start, first = self._at, 0
        self._at += size
        return self._block[first : first + size]
