"""The facts of an ELF file that matter for references, read from the program headers.

Written against the System V gABI (https://www.sco.com/developers/gabi/latest/contents.html) and the GNU
additions (symbol hash, symbol versions). Classes 32 and 64, both byte orders. Every offset, size and count is
checked against the file before it is used, so a hostile file costs no more than its own size: what does not
fit together is :class:`CorruptElf`.

Section headers are not used: the dynamic loader does not read them either, and tools that shrink a file drop
them.
"""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

MAGIC: Final = b"\x7fELF"
ET_EXEC: Final = 2
ET_DYN: Final = 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_SYMENT = 1, 4, 5, 6, 10, 11
_DT_SONAME, _DT_RPATH, _DT_RUNPATH = 14, 15, 29
_DT_GNU_HASH, _DT_VERDEF, _DT_VERDEFNUM, _DT_VERNEED, _DT_VERNEEDNUM = (
    0x6FFFFEF5,
    0x6FFFFFFC,
    0x6FFFFFFD,
    0x6FFFFFFE,
    0x6FFFFFFF,
)
# Tags whose value is an offset in the string table:
# NEEDED SONAME RPATH RUNPATH CONFIG DEPAUDIT AUDIT AUXILIARY FILTER
_STRING_TAGS: Final = frozenset({1, 14, 15, 29, 0x6FFFFEFA, 0x6FFFFEFB, 0x6FFFFEFC, 0x7FFFFFFD, 0x7FFFFFFF})
_LONGEST_STRING: Final = 1 << 16
_MOST_DYNAMIC: Final = 1 << 16
_WIDE_HASH: Final = frozenset({22, 0x9026})  # s390 and Alpha have 64-bit words in DT_HASH

Read: TypeAlias = Callable[[int, int], bytes]


class CorruptElf(Exception):
    """The file begins like ELF, and then does not fit together."""


@dataclass(frozen=True, slots=True)
class RunPath:
    """A search path: file ``offset``, ``text`` without NUL, ``index`` in the string table, its tags."""

    offset: int
    text: bytes
    index: int
    tags: tuple[str, ...]  # "RPATH", "RUNPATH"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The program interpreter: file ``offset``, ``text``, and the segment's ``room`` for it, NUL included."""

    offset: int
    text: bytes
    room: int


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What the dynamic loader reads. ``target``: class, byte order, machine: what may be loaded together."""

    target: tuple[int, str, int]
    kind: int
    is_dynamic: bool
    interpreter: Interpreter | None
    runpaths: tuple[RunPath, ...]
    needed: tuple[bytes, ...]
    soname: bytes | None


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


class ElfFile:
    """An ELF file of ``size`` bytes behind ``read``. Only :class:`CorruptElf` is raised for what it holds."""

    def __init__(self, read: Read, size: int) -> None:
        self._size = size
        self._raw = read
        ident = self._read(0, 16)
        if ident[:4] != MAGIC or ident[4] not in (1, 2) or ident[5] not in (1, 2):
            raise CorruptElf("the identification names no known class or byte order")
        self.bits, self.order = 32 * ident[4], "<" if ident[5] == 1 else ">"
        self._word = "I" if self.bits == 32 else "Q"
        self._header = self._unpack(16, f"HHI{self._word * 3}IHHHHHH")
        self.loads: tuple[tuple[int, int, int], ...] = ()
        self.facts = self._facts()

    def _read(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self._size:
            raise CorruptElf(f"{size} bytes at offset {offset} are not in the file")
        return self._raw(offset, size)

    def _unpack(self, offset: int, layout: str) -> tuple[int, ...]:
        layout = self.order + layout
        values: tuple[int, ...] = struct.unpack(layout, self._read(offset, struct.calcsize(layout)))
        return values

    def _segments(self) -> list[tuple[int, int, int, int]]:
        """(type, offset, vaddr, filesz) of each program header."""
        offset, size, count = self._header[4], self._header[8], self._header[9]
        if count == 0:
            return []
        if self.bits == 32:
            layout = struct.Struct(self.order + "IIIIIIII")
            pick = (0, 1, 2, 4)
        else:
            layout = struct.Struct(self.order + "IIQQQQQQ")
            pick = (0, 2, 3, 5)
        if size != layout.size or count == 0xFFFF:
            raise CorruptElf("the program headers have an impossible size or number")
        table = self._read(offset, size * count)
        return [(row[pick[0]], row[pick[1]], row[pick[2]], row[pick[3]]) for row in layout.iter_unpack(table)]

    def _facts(self) -> ElfFacts:
        segments = self._segments()
        self.loads = tuple(
            (vaddr, offset, filesz) for kind, offset, vaddr, filesz in segments if kind == _PT_LOAD
        )
        interpreter = None
        self._dynamic: tuple[tuple[int, int], ...] = ()
        for kind, offset, _, filesz in segments:
            if kind == _PT_INTERP:
                if not 0 < filesz <= _LONGEST_STRING:
                    raise CorruptElf("the interpreter has an impossible length")
                data = self._read(offset, filesz)
                if b"\0" not in data:
                    raise CorruptElf("the interpreter has no end")
                interpreter = Interpreter(offset, data.split(b"\0", 1)[0], filesz)
            elif kind == _PT_DYNAMIC:
                self._dynamic = tuple(self._dynamic_entries(offset, filesz))
        values = dict(reversed(self._dynamic))
        self._values = values
        self.strings = self._offset(values[_DT_STRTAB]) if _DT_STRTAB in values else -1
        self.strings_size = values.get(_DT_STRSZ, 0)
        if self.strings >= 0 and self.strings + self.strings_size > self._size:
            raise CorruptElf("the dynamic string table is not in the file")
        return ElfFacts(
            target=(self.bits, self.order, self._header[1]),
            kind=self._header[0],
            is_dynamic=bool(self._dynamic),
            interpreter=interpreter,
            runpaths=self._runpaths(),
            needed=tuple(self.string(value) for tag, value in self._dynamic if tag == _DT_NEEDED),
            soname=self.string(values[_DT_SONAME]) if _DT_SONAME in values else None,
        )

    def _dynamic_entries(self, offset: int, size: int) -> Iterator[tuple[int, int]]:
        layout = struct.Struct(self.order + self._word * 2)
        if size > _MOST_DYNAMIC * layout.size:
            raise CorruptElf("the dynamic section is impossibly long")
        data = self._read(offset, size - size % layout.size)
        for tag, value in layout.iter_unpack(data):
            if tag == 0:
                return
            yield tag, value

    def _offset(self, address: int) -> int:
        for vaddr, offset, filesz in self.loads:
            if vaddr <= address < vaddr + filesz:
                return offset + address - vaddr
        raise CorruptElf(f"address {address:#x} is in no segment")

    def string(self, index: int) -> bytes:
        """The string at ``index`` of the dynamic string table."""
        if self.strings < 0 or not 0 <= index < self.strings_size:
            raise CorruptElf(f"string {index} is not in the dynamic string table")
        data = self._read(self.strings + index, min(self.strings_size - index, _LONGEST_STRING))
        end = data.find(b"\0")
        if end < 0:
            raise CorruptElf(f"string {index} of the dynamic string table has no end")
        return data[:end]

    def window(self, offset: int, size: int) -> bytes:
        """``size`` bytes of the file at ``offset``."""
        return self._read(offset, size)

    def _runpaths(self) -> tuple[RunPath, ...]:
        tags: dict[int, list[str]] = {}
        for tag, value in self._dynamic:
            if tag in (_DT_RPATH, _DT_RUNPATH):
                tags.setdefault(value, []).append("RPATH" if tag == _DT_RPATH else "RUNPATH")
        return tuple(
            RunPath(self.strings + index, self.string(index), index, tuple(names))
            for index, names in tags.items()
        )

    # -- who else uses bytes of the string table: linkers let strings share their ends --

    def other_users(self, runpath: RunPath, room: int) -> frozenset[int] | None:
        """Distances from the start of ``runpath`` at which other strings begin, within its ``room`` bytes.

        None when the string is itself the end of a longer one, or is used as something else too: then not one
        byte of it may change.
        """
        start, end = runpath.index, runpath.index + room
        if start and self._read(self.strings + start - 1, 1) != b"\0":
            return None
        others = (one.index for one in self.facts.runpaths if one.index != start)
        used = {index - start for index in others if start <= index < end}
        for index in self._users():
            if start <= index < end:
                used.add(index - start)
        return None if 0 in used else frozenset(used)

    def _users(self) -> Iterator[int]:
        """Offsets in the string table of everything but search paths."""
        for tag, value in self._dynamic:
            if tag in _STRING_TAGS and tag not in (_DT_RPATH, _DT_RUNPATH):
                yield value
        yield from self._symbol_names()
        if _DT_VERNEED in self._values:
            yield from self._versions(
                self._values[_DT_VERNEED], self._values.get(_DT_VERNEEDNUM, 0), need=True
            )
        if _DT_VERDEF in self._values:
            yield from self._versions(
                self._values[_DT_VERDEF], self._values.get(_DT_VERDEFNUM, 0), need=False
            )

    def _versions(self, address: int, count: int, *, need: bool) -> Iterator[int]:
        at = self._offset(address)
        budget = self._size // 8
        for _ in range(min(count, budget)):
            if need:
                _, entries, name, first, following = self._unpack(at, "HHIII")
                yield name
            else:
                _, _, _, entries, _, first, following = self._unpack(at, "HHHHIII")
            inner = at + first
            for _ in range(entries):
                budget -= 1
                if budget < 0:
                    raise CorruptElf("the symbol versions run in a circle")
                if need:
                    _, _, _, name, step = self._unpack(inner, "IHHII")
                else:
                    name, step = self._unpack(inner, "II")
                yield name
                if step == 0:
                    break
                inner += step
            if following == 0:
                return
            at += following

    def _symbol_names(self) -> Iterator[int]:
        if _DT_SYMTAB not in self._values:
            return
        entry = self._values.get(_DT_SYMENT, 16 if self.bits == 32 else 24)
        if entry < 16 or entry % 4 or entry > 64:
            raise CorruptElf("the dynamic symbols have an impossible size")
        start = self._offset(self._values[_DT_SYMTAB])
        count = self._symbol_count(start, entry)
        words = array("I")
        per_block = 1 << 14
        for first in range(0, count, per_block):
            block = min(per_block, count - first)
            words = array("I", self._read(start + first * entry, block * entry))
            if (self.order == "<") != (struct.pack("=H", 1) == b"\1\0"):
                words.byteswap()
            yield from words[:: entry // 4]

    def _symbol_count(self, start: int, entry: int) -> int:
        if _DT_HASH in self._values:
            at = self._offset(self._values[_DT_HASH])
            count = self._unpack(at, "II")[1]
            if self.bits == 64 and self._header[1] in _WIDE_HASH:
                wide = self._unpack(at, "QQ")[1]
                count = wide if start + wide * entry <= self._size else count
        elif _DT_GNU_HASH in self._values:
            count = self._gnu_hash_count(self._offset(self._values[_DT_GNU_HASH]))
        else:
            # What linkers do: the string table follows the symbols.
            count = max(self.strings - start, 0) // entry
        if start + count * entry > self._size:
            raise CorruptElf("the dynamic symbols are not in the file")
        return count

    def _gnu_hash_count(self, at: int) -> int:
        buckets, first, blooms, _ = self._unpack(at, "IIII")
        chains = at + 16 + blooms * self.bits // 8 + buckets * 4
        last = 0
        for offset in range(chains - buckets * 4, chains, 1 << 16):
            size = min(1 << 16, chains - offset)
            last = max(last, *self._unpack(offset, f"{size // 4}I"), 0)
        if last < first:
            return first
        while True:
            block = self._read(chains + (last - first) * 4, 4)
            last += 1
            if block[0 if self.order == "<" else 3] & 1:
                return last


def read_elf(descriptor: int) -> ElfFile:
    """The ELF file open at ``descriptor``; :class:`CorruptElf` when it does not fit together."""
    return ElfFile(file_reader(descriptor), os.fstat(descriptor).st_size)
