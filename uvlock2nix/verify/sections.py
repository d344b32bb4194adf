"""The sections of an ELF file, for comparing two of them.

The dynamic loader does not read section headers, nor does :class:`uvlock2nix.refs.elf.ElfFile`; here they
name the parts of a file: https://www.sco.com/developers/gabi/latest/ch4.sheader.html. Nothing in them is
trusted before it is compared with the file's size; if something does not fit, the result is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from uvlock2nix.refs.elf import CorruptElf, ElfTables, bytes_reader

_MOST: Final = 1 << 16
_XINDEX: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Section:
    """A named part of the file; ``size`` is its size in the file (0 for .bss)."""

    name: str
    offset: int
    size: int


def read_sections(data: bytes) -> tuple[Section, ...] | None:
    """The sections in the order of the table; a repeated name gets ``#2``. None for an invalid ELF file."""
    try:
        tables = ElfTables(bytes_reader(data), len(data))
        rows, names = _rows(tables)
        return _named(rows, tables.window(names.sh_offset, names.sh_size), len(data))
    except CorruptElf:
        return None


def _rows(tables: ElfTables) -> tuple[Sequence[Any], Any]:
    """The rows of the table, and which of them has the names."""
    header = tables.header
    table, count, names = header.e_shoff, header.e_shnum, header.e_shstrndx
    if table == 0 or header.e_shentsize != tables.entry_size("Elf_Shdr"):
        raise CorruptElf("it has no section header table")
    if count == 0 or names == _XINDEX:  # too many for the header: the number is in the first section
        (first,) = tables.rows("Elf_Shdr", table, 1)
        count, names = count or first.sh_size, first.sh_link if names == _XINDEX else names
    if not 0 < count <= _MOST or names >= count:
        raise CorruptElf("the section headers have an impossible number")
    rows = tuple(tables.rows("Elf_Shdr", table, count))
    return rows, rows[names]


def _named(rows: Sequence[Any], strings: bytes, size: int) -> tuple[Section, ...]:
    found: list[Section] = []
    seen: dict[str, int] = {}
    for row in rows[1:]:
        end = strings.find(b"\0", row.sh_name)
        if row.sh_name >= len(strings) or end < 0:
            raise CorruptElf("a section has no name")
        name = strings[row.sh_name : min(end, row.sh_name + 200)].decode("utf-8", "backslashreplace")
        seen[name] = seen.get(name, 0) + 1
        held = 0 if row.sh_type == "SHT_NOBITS" else row.sh_size
        if held and row.sh_offset + held > size:
            raise CorruptElf("a section is not in the file")
        found.append(Section(name if seen[name] == 1 else f"{name}#{seen[name]}", row.sh_offset, held))
    return tuple(found)
