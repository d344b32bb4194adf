"""Find the users of bytes in an ELF file's dynamic string table, where linkers let strings share suffixes.

Before a search path is overwritten, everything that refers to a string is checked for one that ends with the
path's bytes: other dynamic tags, symbol versions and all symbols.

Records are read by pyelftools, through :class:`~uvlock2nix.refs.elf.ElfFile`, with two exceptions. For the
names of symbols, it would parse every symbol with all fields (libtorch_cpu.so, 75,415 symbols: 5.0 s against
0.02 s here). And for the number of symbols, from the symbol hash tables, its own
``DynamicSegment.num_symbols`` takes an empty GNU hash table, which GNU ld writes for a library that only
imports, for an empty symbol table, and does not support the wide hash tables of s390x and Alpha; its walks
along versions and hash chains end only with the file.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import Final

from uvlock2nix.refs.elf import ElfFacts, ElfFile, RunPath
from uvlock2nix.refs.elfstream import CorruptElf

_DT_HASH, _DT_SYMTAB, _DT_SYMENT = 4, 6, 11
_DT_GNU_HASH, _DT_VERDEF, _DT_VERDEFNUM, _DT_VERNEED, _DT_VERNEEDNUM = (
    0x6FFFFEF5,
    0x6FFFFFFC,
    0x6FFFFFFD,
    0x6FFFFFFE,
    0x6FFFFFFF,
)
# Tags whose value is an offset in the string table, except search paths:
# NEEDED SONAME CONFIG DEPAUDIT AUDIT AUXILIARY FILTER
_STRING_TAGS: Final = frozenset({1, 14, 0x6FFFFEFA, 0x6FFFFEFB, 0x6FFFFEFC, 0x7FFFFFFD, 0x7FFFFFFF})
# Tags whose value is the address of a table: PLTGOT HASH STRTAB SYMTAB RELA INIT FINI REL JMPREL INIT_ARRAY
# FINI_ARRAY PREINIT_ARRAY RELR GNU_HASH VERSYM VERDEF VERNEED
_TABLE_TAGS: Final = frozenset(
    {3, 4, 5, 6, 7, 12, 13, 17, 23, 25, 26, 32, 36, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE}
)
_WIDE_HASH: Final = frozenset({22, 0x9026})  # s390 and Alpha have 64-bit words in DT_HASH
_MOST_VERSIONS: Final = 1 << 16
_BLOCK: Final = 1 << 16


def other_users(elf: ElfFile, runpath: RunPath, room: int) -> frozenset[int] | None:
    """Distances from the start of ``runpath`` at which other strings begin, within its ``room`` bytes.

    None if the string is itself the end of a longer one, or has other uses: then no byte of it may change.
    :class:`CorruptElf` if the tables are inconsistent.
    """
    start, end = runpath.index, runpath.index + room
    if start and elf.window(elf.strings + start - 1, 1) != b"\0":
        return None
    others = (one.index for one in elf.facts.runpaths if one.index != start)
    used = {index - start for index in others if start <= index < end}
    used.update(index - start for index in users(elf) if start <= index < end)
    return None if 0 in used else frozenset(used)


def users(elf: ElfFile) -> Iterator[int]:
    """Offsets in the string table that anything but a search path refers to."""
    for tag, value in elf.dynamic:
        if tag in _STRING_TAGS:
            yield value
    yield from _symbol_names(elf)
    values = elf.values
    if _DT_VERNEED in values:
        yield from _versions(elf, values[_DT_VERNEED], values.get(_DT_VERNEEDNUM, 0), "Verneed", "vn")
    if _DT_VERDEF in values:
        yield from _versions(elf, values[_DT_VERDEF], values.get(_DT_VERDEFNUM, 0), "Verdef", "vd")


def _versions(elf: ElfFile, address: int, count: int, kind: str, prefix: str) -> Iterator[int]:
    at, left = elf.offset_of(address), _MOST_VERSIONS
    rows, names = f"Elf_{kind}", "Elf_Vernaux" if prefix == "vn" else "Elf_Verdaux"
    for _ in range(min(count, _MOST_VERSIONS)):
        row = elf.record(rows, at)
        if prefix == "vn":
            yield row["vn_file"]
        inner = at + row[f"{prefix}_aux"]
        for _ in range(row[f"{prefix}_cnt"]):
            left -= 1
            if left < 0:
                raise CorruptElf("the symbol versions form a cycle")
            name = elf.record(names, inner)
            yield name[f"{prefix}a_name"]
            if name[f"{prefix}a_next"] == 0:
                break
            inner += name[f"{prefix}a_next"]
        if row[f"{prefix}_next"] == 0:
            return
        at += row[f"{prefix}_next"]


def _symbol_names(elf: ElfFile) -> Iterator[int]:
    if _DT_SYMTAB not in elf.values:
        return
    entry = elf.values.get(_DT_SYMENT, 16 if elf.bits == 32 else 24)
    if entry < 16 or entry % 4 or entry > 64:
        raise CorruptElf("the dynamic symbols have an impossible size")
    start = elf.offset_of(elf.values[_DT_SYMTAB])
    count = _symbol_count(elf, start, entry)
    if start + count * entry > elf.size:
        raise CorruptElf("the dynamic symbols are not in the file")
    for words in _words(elf, start, count * entry // 4, entry // 4):
        yield from words  # the name is the first word of a symbol in both classes


def _symbol_count(elf: ElfFile, start: int, entry: int) -> int:
    if _DT_HASH in elf.values:
        at = elf.offset_of(elf.values[_DT_HASH])
        count = elf.number("Elf_word", at + 4)
        if elf.bits == 64 and elf.facts.target[2] in _WIDE_HASH:
            wide = elf.number("Elf_word64", at + 8)
            count = wide if start + wide * entry <= elf.size else count
        return count
    if _DT_GNU_HASH in elf.values:
        at = elf.offset_of(elf.values[_DT_GNU_HASH])
        hashed = _hashed(elf, at, most=(elf.size - start) // entry)
        if hashed:
            return hashed
    # No table has the number: the symbols end where the next table begins or their segment ends, at the
    # latest.
    address = elf.values[_DT_SYMTAB]
    ends = [value for tag, value in elf.dynamic if tag in _TABLE_TAGS and value > address]
    ends += [vaddr + filesz for vaddr, _, filesz in elf.loads if vaddr <= address < vaddr + filesz]
    return (min(ends) - address) // entry


def _hashed(elf: ElfFile, at: int, *, most: int) -> int:
    """The number of symbols by the GNU hash table at ``at``; 0 if it is empty and cannot tell."""
    buckets, first, blooms = (elf.number("Elf_word", at + 4 * number) for number in range(3))
    start = at + 16 + blooms * elf.bits // 8
    last = max((max(words) for words in _words(elf, start, buckets)), default=0)
    if last < max(first, 1):
        return 0
    chain = start + (buckets + last - first) * 4
    for words in _words(elf, chain, max(min(most - last, (elf.size - chain) // 4), 0)):
        for number, word in enumerate(words):
            if word & 1:
                return last + number + 1
        last += len(words)
    raise CorruptElf("the symbol hash table has no end")


def _words(elf: ElfFile, offset: int, count: int, step: int = 1) -> Iterator[array[int]]:
    """Every ``step``-th of ``count`` 32-bit words at ``offset``, in blocks."""
    block = _BLOCK // step * step
    for first in range(0, count, block):
        words = array("I", elf.window(offset + 4 * first, 4 * min(block, count - first)))
        if elf.order != ("<" if sys.byteorder == "little" else ">"):
            words.byteswap()
        yield words[::step]


def shared_runpaths(facts: ElfFacts) -> frozenset[int]:
    """The indices of search paths that share bytes: none of them can be changed alone.

    Their references are replaced in place, as in any other string.
    """
    spans = sorted((one.index, one.index + len(one.text)) for one in facts.runpaths)
    shared: set[int] = set()
    for number, (start, end) in enumerate(spans):
        for other, _ in spans[number + 1 :]:
            if other < end:
                shared |= {start, other}
    return frozenset(shared)
