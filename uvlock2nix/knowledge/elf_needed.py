"""``DT_NEEDED`` and ``DT_SONAME`` of an ELF file, from its bytes.

A reader of a few dozen lines for what inspection wants to know of a stranger's file: it looks at the program
headers only, checks every offset, and answers ``None`` for whatever does not fit. Changing ELF files is the
business of ``uvlock2nix.refs``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
DT_NEEDED: Final = 1
DT_STRTAB: Final = 5
DT_STRSZ: Final = 10
DT_SONAME: Final = 14
_MAX_ENTRIES: Final = 65_536
_MAX_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Needed:
    """What the dynamic loader is told: libraries needed, in order, and the file's own name (or ``""``)."""

    needed: tuple[str, ...]
    soname: str = ""


def read_needed(data: bytes | memoryview) -> Needed | None:
    """Read an ELF file's dynamic section; ``None`` for what is no ELF file or a broken one.

    An ELF file without dynamic section (static, an object file) needs nothing.
    """
    try:
        return _read(memoryview(data))
    except (struct.error, ValueError, IndexError, OverflowError):
        return None


def _read(data: memoryview) -> Needed | None:
    if bytes(data[:4]) != b"\x7fELF" or data[4] not in (1, 2) or data[5] not in (1, 2):
        return None
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    if wide:
        (offset,) = struct.unpack_from(order + "Q", data, 32)
        size, count = struct.unpack_from(order + "HH", data, 54)
    else:
        (offset,) = struct.unpack_from(order + "I", data, 28)
        size, count = struct.unpack_from(order + "HH", data, 42)
    loads: list[tuple[int, int, int]] = []
    dynamic: tuple[int, int] | None = None
    for number in range(count):
        place = offset + number * size
        if wide:
            kind, _, start, address, _, length = struct.unpack_from(order + "IIQQQQ", data, place)
        else:
            kind, start, address, _, length = struct.unpack_from(order + "IIIII", data, place)
        if kind == PT_LOAD:
            loads.append((address, start, length))
        elif kind == PT_DYNAMIC:
            dynamic = (start, length)
    if dynamic is None:
        return Needed(())
    return _dynamic(data, order + ("qQ" if wide else "iI"), dynamic, loads)


def _dynamic(
    data: memoryview, layout: str, place: tuple[int, int], loads: list[tuple[int, int, int]]
) -> Needed | None:
    step = struct.calcsize(layout)
    needed: list[int] = []
    soname = table = table_size = None
    for number in range(min(place[1] // step, _MAX_ENTRIES)):
        tag, value = struct.unpack_from(layout, data, place[0] + number * step)
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
    if start is None or start + table_size > len(data):
        return None
    strings = data[start : start + table_size]
    names = tuple(_name(strings, at) for at in needed)
    return Needed(names, _name(strings, soname) if soname is not None else "")


def _name(strings: memoryview, at: int) -> str:
    if not 0 <= at < len(strings):
        raise ValueError("a name outside of the table")
    raw = bytes(strings[at : at + _MAX_NAME + 1])
    end = raw.find(b"\0")
    if end < 0:
        raise ValueError("a name without an end")
    return raw[:end].decode("utf-8", "replace")
