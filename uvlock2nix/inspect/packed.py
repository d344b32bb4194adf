"""Files inside of a wheel, read where they are: bounded memory and work, whatever the wheel claims."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import IO, Final

from uvlock2nix.dataclass import dataclass, field

# How members of wheels are packed; others may need much memory to unpack.
PLAIN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what is read of one wheel, in bytes but for ``entries``.

    ``text``: of a small file; ``piece``: at once (the table of contents); ``unpacked``: in all (the largest
    wheels of CUDA hold 3 GiB). ``chunk``: at a time; ``keep``: what stays
    in memory of a packed file. Without ``inside`` no shared object is looked into.
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
    """What may still be unpacked of one wheel."""

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
        """As of a binary file."""
        return True

    def tell(self) -> int:
        """As of a binary file."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of a binary file."""
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        """As of a binary file."""
        left = max(self._size - self._file.tell(), 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self._most:
            raise ValueError(f"a part of it is larger than {self._most >> 20} MiB")
        return self._file.read(wanted) or b""


class Member:
    """A packed file: going on unpacks what is between, going back unpacks it again from the start.

    Its beginning and what was read last are kept: what we look for most often is there, close together,
    in an order of its own.
    """

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        self._file = file
        self._budget = budget
        self._position = 0
        self._unpacked = 0
        self._head = bytearray()
        self._tail = bytearray()

    def seek(self, offset: int, /) -> int:
        """As of a binary file."""
        self._position = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """As of a binary file."""
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
    """More would have to be unpacked than any honest wheel holds."""


class Stored:
    """A file that is in the wheel as it is: read where it is."""

    def __init__(self, wheel: Bounded, info: zipfile.ZipInfo) -> None:
        wheel.seek(info.header_offset)
        header = wheel.read(30)
        name, extra = struct.unpack_from("<HH", header, 26)
        self._wheel = wheel
        self._start = info.header_offset + 30 + name + extra
        self._position = 0

    def seek(self, offset: int, /) -> int:
        """As of a binary file."""
        self._position = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """As of a binary file."""
        self._wheel.seek(self._start + self._position)
        data = self._wheel.read(size)
        self._position += len(data)
        return data
