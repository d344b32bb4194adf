"""Read files inside a wheel, with limited memory and work whatever the wheel claims."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass, field
from typing import IO, Final

# The compression methods in wheels; others may need much memory.
PLAIN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on reading a wheel, in bytes except for ``entries``.

    ``text``: of a small file; ``piece``: at once (the table of contents); ``unpacked``: in total (the largest
    CUDA wheels have 3 GiB). ``chunk``: at a time; ``keep``: kept in memory of a compressed file. Without
    ``inside``, shared objects are not read.
    """

    text: int = 1 << 20
    entries: int = 300_000
    piece: int = 64 << 20
    unpacked: int = 12 << 30
    chunk: int = 1 << 20
    keep: int = 4 << 20
    inside: bool = True


USUAL: Final = Limits()


@dataclass(slots=True)
class Budget:
    """How much of a wheel may still be unpacked."""

    limits: Limits
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.limits.unpacked


class Bounded(io.RawIOBase):
    """Caps the size of each read, whatever length the file itself claims."""

    def __init__(self, file: io.RawIOBase | io.BufferedReader, most: int) -> None:
        super().__init__()
        self._file = file
        self._most = most
        self._size = file.seek(0, io.SEEK_END)

    def seekable(self) -> bool:
        """As for a binary file."""
        return True

    def tell(self) -> int:
        """As for a binary file."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As for a binary file."""
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        """As for a binary file."""
        left = max(self._size - self._file.tell(), 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self._most:
            raise ValueError(f"a part of it is larger than {self._most >> 20} MiB")
        return self._file.read(wanted) or b""


class Member:
    """A compressed file: seeking forward decompresses, seeking back starts over.

    Its start and the last part that was read are kept in memory: most of what is needed is there, close
    together, in no particular order.
    """

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        self._file = file
        self._budget = budget
        self._position = 0
        self._unpacked = 0
        self._head = bytearray()
        self._tail = bytearray()

    def seek(self, offset: int, /) -> int:
        """As for a binary file."""
        self._position = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """As for a binary file."""
        data = self._kept(size)
        if not data:
            if self._position < self._unpacked:
                self._file.seek(0)
                self._unpacked = 0
                self._tail.clear()
            if self._position - self._unpacked > self._budget.left:
                raise TooMuchError
            while self._unpacked <= self._position and self._unpack():
                pass
            data = self._kept(size)
        self._position += len(data)
        return data

    def _kept(self, size: int) -> bytes:
        for start, kept in ((0, self._head), (self._unpacked - len(self._tail), self._tail)):
            at = self._position - start
            if 0 <= at < len(kept):
                return bytes(kept[at : at + size])
        return b""

    def _unpack(self) -> bool:
        piece = self._file.read(self._budget.limits.chunk)
        if self._unpacked == len(self._head) < self._budget.limits.keep:
            self._head += piece
        self._unpacked += len(piece)
        self._budget.left -= len(piece)
        self._tail += piece
        if len(self._tail) > 2 * self._budget.limits.keep:
            del self._tail[: -self._budget.limits.keep]
        return bool(piece)


class TooMuchError(Exception):
    """More would have to be unpacked than any honest wheel has."""


class Stored:
    """An uncompressed file in the wheel, read in place."""

    def __init__(self, wheel: Bounded, info: zipfile.ZipInfo) -> None:
        wheel.seek(info.header_offset)
        header = wheel.read(30)
        name, extra = struct.unpack_from("<HH", header, 26)
        self._wheel = wheel
        self._start = info.header_offset + 30 + name + extra
        self._position = 0

    def seek(self, offset: int, /) -> int:
        """As for a binary file."""
        self._position = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """As for a binary file."""
        self._wheel.seek(self._start + self._position)
        data = self._wheel.read(size)
        self._position += len(data)
        return data
