"""Read ``DT_NEEDED`` and ``DT_SONAME`` of an ELF file.

A reader of a few dozen lines for what inspection needs from an untrusted file: it reads only the program
headers, checks every offset, reads no more than it needs (a library can be larger than memory, and compressed
in a wheel), and returns ``None`` for anything invalid. Changing ELF files is the job of ``uvlock2nix.refs``.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Final, Protocol

PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
DT_NEEDED: Final = 1
DT_STRTAB: Final = 5
DT_STRSZ: Final = 10
DT_SONAME: Final = 14
# Both classes in both byte orders, and universal: `man 5 Mach-O`, <mach-o/loader.h>, <mach-o/fat.h>.
_MACH_O: Final = tuple(map(bytes.fromhex, ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe")))
_MAX_ENTRIES: Final = 65_536
_MAX_NAME: Final = 255


class Seekable(Protocol):
    """A file that can be read anywhere; seeking back may cost as much as starting over."""

    def seek(self, offset: int, /) -> int:
        """As for a binary file."""

    def read(self, size: int, /) -> bytes:
        """As for a binary file."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What the dynamic loader reads: libraries needed, in order, and the file's own name (or ``""``)."""

    needed: tuple[str, ...]
    soname: str = ""


def read_needed(file: bytes | Seekable, size: int | None = None) -> Needed | None:
    """Read an ELF file's dynamic section; ``None`` if it is not an ELF file or is broken.

    ``size`` in bytes is required for a file that is not in memory. Exceptions of ``file`` are passed on. An
    ELF file without dynamic section (static, or an object file) needs nothing; nor does a Mach-O file, whose
    dependencies are not sonames.
    """
    reader = _Reader(io.BytesIO(file), len(file)) if isinstance(file, bytes) else _Reader(file, size or 0)
    try:
        return _read(reader)
    except _Broken:
        return None


class _Broken(Exception):
    """The file is inconsistent."""


@dataclass(frozen=True, slots=True)
class _Reader:
    file: Seekable
    size: int

    def at(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, all of them."""
        if offset < 0 or offset + length > self.size:
            raise _Broken
        self.file.seek(offset)
        data = b""
        while len(data) < length:
            piece = self.file.read(length - len(data))
            if not piece:
                raise _Broken
            data += piece
        return data


def _read(reader: _Reader) -> Needed | None:
    ident = reader.at(0, 16)
    if ident[:4] in _MACH_O:
        return Needed(())
    if ident[:4] != b"\x7fELF" or ident[4] not in (1, 2) or ident[5] not in (1, 2):
        return None
    wide, order = ident[4] == 2, "<" if ident[5] == 1 else ">"
    header = reader.at(0, 64 if wide else 52)
    (offset,) = struct.unpack_from(order + ("Q" if wide else "I"), header, 32 if wide else 28)
    size, count = struct.unpack_from(order + "HH", header, 54 if wide else 42)
    if count and size != (56 if wide else 32):
        return None
    segments = reader.at(offset, count * size) if count else b""
    loads: list[tuple[int, int, int]] = []
    dynamic: tuple[int, int] | None = None
    for number in range(count):
        if wide:
            kind, _, start, address, _, length = struct.unpack_from(order + "IIQQQQ", segments, number * size)
        else:
            kind, start, address, _, length = struct.unpack_from(order + "IIIII", segments, number * size)
        if kind == PT_LOAD:
            loads.append((address, start, length))
        elif kind == PT_DYNAMIC:
            dynamic = (start, length)
    if dynamic is None:
        return Needed(())
    return _dynamic(reader, order + ("qQ" if wide else "iI"), dynamic, loads)


def _dynamic(
    reader: _Reader, layout: str, place: tuple[int, int], loads: list[tuple[int, int, int]]
) -> Needed | None:
    step = struct.calcsize(layout)
    count = min(place[1] // step, _MAX_ENTRIES)
    needed: list[int] = []
    soname = table = table_size = None
    for tag, value in struct.iter_unpack(layout, reader.at(place[0], count * step)):
        if tag == 0:
            break
        if tag == DT_NEEDED:
            needed.append(value)
        elif tag == DT_SONAME:
            soname = value
        elif tag == DT_STRTAB:
            table = value
        elif tag == DT_STRSZ:
            table_size = value
    if not needed and soname is None:
        return Needed(())
    if table is None or table_size is None:
        return None
    start = next((s + table - a for a, s, length in loads if a <= table < a + length), None)
    if start is None or start + table_size > reader.size:
        return None
    wanted = sorted({*needed, *(() if soname is None else (soname,))})
    # In order, because seeking back in a compressed file means decompressing it again.
    names = {at: _name(reader, start, table_size, at) for at in wanted}
    return Needed(tuple(names[at] for at in needed), names[soname] if soname is not None else "")


def _name(reader: _Reader, start: int, table_size: int, at: int) -> str:
    if at >= table_size:
        raise _Broken
    raw = reader.at(start + at, min(_MAX_NAME + 1, table_size - at))
    end = raw.find(b"\0")
    if end < 0:
        raise _Broken
    return raw[:end].decode("utf-8", "replace")
