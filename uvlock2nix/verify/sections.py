"""The sections of an ELF file, for comparing two of them.

The dynamic loader does not read section headers and ``refs.elf`` does not either; here they are what names
the parts of a file: https://www.sco.com/developers/gabi/latest/ch4.sheader.html. Nothing that they say is
believed before it is compared with the file's size: what does not fit gives None.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from uvlock2nix.refs.elf import MAGIC

_NOBITS: Final = 8
_MOST: Final = 1 << 16
_XINDEX: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Section:
    """A named part of the file; ``size`` is what it takes in the file (0 for .bss)."""

    name: str
    offset: int
    size: int


def read_sections(data: bytes) -> tuple[Section, ...] | None:
    """The sections in the order of the table; a name that comes again gets ``#2``. None: no sound ELF."""
    if data[:4] != MAGIC or len(data) < 52 or data[4] not in (1, 2) or data[5] not in (1, 2):
        return None
    try:
        return _read(data)
    except struct.error:
        return None


def _read(data: bytes) -> tuple[Section, ...] | None:
    order, wide = "<" if data[5] == 1 else ">", data[4] == 2
    (table,) = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)
    size, count, names = struct.unpack_from(order + "HHH", data, 58 if wide else 46)
    # name, type, flags, address, offset, size, link, info, alignment, entry size
    layout = struct.Struct(order + ("IIQQQQIIQQ" if wide else "10I"))
    if table == 0 or size != layout.size:
        return None
    if count == 0 or names == _XINDEX:  # too many for the header: the first section says how many
        first = layout.unpack_from(data, table)
        count, names = count or first[5], first[6] if names == _XINDEX else names
    if not 0 < count <= _MOST or names >= count or table + count * size > len(data):
        return None
    rows = [layout.unpack_from(data, table + index * size) for index in range(count)]
    start, length = rows[names][4], rows[names][5]
    if start + length > len(data):
        return None
    strings = data[start : start + length]
    found: list[Section] = []
    seen: dict[str, int] = {}
    for row in rows[1:]:
        end = strings.find(b"\0", row[0])
        if row[0] >= length or end < 0:
            return None
        name = strings[row[0] : min(end, row[0] + 200)].decode("utf-8", "backslashreplace")
        seen[name] = seen.get(name, 0) + 1
        held = 0 if row[1] == _NOBITS else row[5]
        if held and row[4] + held > len(data):
            return None
        found.append(Section(name if seen[name] == 1 else f"{name}#{seen[name]}", row[4], held))
    return tuple(found)
