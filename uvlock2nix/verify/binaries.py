"""Differences between binary files: ELF by section, archives by member, others by their strings."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from uvlock2nix.damage import DAMAGED_ZIP
from uvlock2nix.printable import printable
from uvlock2nix.regex import regex
from uvlock2nix.verify.model import Cause, Condition, Evidence
from uvlock2nix.verify.sections import Section, read_sections
from uvlock2nix.verify.strings import evidence

_WINDOW: Final = 16 << 20  # bytes of a part to search for strings, from the first difference on
_BEFORE: Final = 4096
_MOST: Final = 12  # reported differences per part
_STRING: Final = regex(rb"[\t\x20-\x7e\x80-\xff]{4,}")
_NUMBER: Final = regex(rb"\d+")
BUILD_ID: Final = ".note.gnu.build-id"
_STRING_SECTIONS: Final = (
    ".rodata",
    ".debug_str",
    ".debug_line_str",
    ".comment",
    ".strtab",
    ".dynstr",
    ".data",
)
_TABLES: Final = frozenset({".symtab", ".strtab", ".shstrtab"})
_PREFIX: Final = 4
_AR: Final = b"!<arch>\n"
_PYC_HEADER: Final = 16


def binary_evidence(
    name: str, first: bytes, second: bytes, conditions: Sequence[Condition] = ()
) -> tuple[Evidence, ...]:
    """The differences between two contents of the file ``name``; never empty."""
    found: tuple[Evidence, ...] = ()
    if name.endswith(".pyc"):
        found = _bytecode(first, second, conditions)
    elif first[:8] == second[:8] == _AR:
        found = tuple(_archive(first, second, conditions))
    elif first[:4] == second[:4] == b"PK\x03\x04":
        found = tuple(_zip(first, second))
    elif first[:2] == second[:2] == b"\x1f\x8b" and first[4:8] != second[4:8]:
        found = (_seconds("gzip header", first[4:8], second[4:8]),)
    else:
        found = tuple(_elf(first, second, conditions))
    return found or tuple(part_evidence("", first, second, "content", conditions))


def difference(first: bytes, second: bytes) -> int:
    """The offset of the first byte that differs, in two contents that differ."""
    low, step = 0, 1 << 20
    while first[low : low + step] == second[low : low + step]:
        low += step
        if low >= max(len(first), len(second)):
            return min(len(first), len(second))
    while step > 1:
        step //= 2
        if first[low : low + step] == second[low : low + step]:
            low += step
    return low


def _elf(first: bytes, second: bytes, conditions: Sequence[Condition]) -> Iterator[Evidence]:
    ours, theirs = read_sections(first), read_sections(second)
    if ours is None or theirs is None:
        return
    old, new = {one.name: one for one in ours}, {one.name: one for one in theirs}
    alone = sorted(old.keys() ^ new.keys())
    for name in alone:
        cause: Cause = "build-id" if name == BUILD_ID else "debug-info" if _is_debug(name) else "code"
        yield Evidence(
            _where(name), cause, "present" if name in old else "", "present" if name in new else ""
        )
    moved = 0
    found = False
    for name in (one.name for one in ours if one.name in new):
        parts = _parts(first, old[name], second, new[name])
        if parts is None:
            continue
        found = True
        if BUILD_ID in alone and (name in _TABLES or old[name].size == new[name].size):
            moved += 1  # an additional section moves all that follow
            continue
        yield from _section(name, *parts, conditions)
    if moved:
        yield Evidence(f"{moved} other sections", "build-id", "at other addresses", "")
    if not found and not alone:
        at = difference(first, second)
        yield Evidence(
            f"offset {at:#x}, in no section", "code", _hex(first[at : at + 16]), _hex(second[at : at + 16])
        )


def _section(name: str, one: bytes, other: bytes, conditions: Sequence[Condition]) -> Iterator[Evidence]:
    where = _where(name)
    if name == BUILD_ID:
        yield Evidence(where, "build-id", _hex(one[16:]), _hex(other[16:]))
        return
    if name == ".comment":
        yield Evidence(where, "generator", printable(one, 120), printable(other, 120))
        return
    if name.startswith(_STRING_SECTIONS):
        ours, theirs = one.split(b"\0"), other.split(b"\0")
        if len(ours) > 2 and Counter(ours) == Counter(theirs):
            pair = next((a, b) for a, b in zip(ours, theirs, strict=True) if a != b)
            yield Evidence(where, "order", printable(pair[0], 120), printable(pair[1], 120))
            return
    otherwise: Cause = "debug-info" if _is_debug(name) or name in _TABLES else "code"
    yield from part_evidence(where, one, other, otherwise, conditions)


def _is_debug(name: str) -> bool:
    return name.startswith((".debug_", ".zdebug_", ".rela.debug_", ".rel.debug_", ".gnu_debug"))


def _where(name: str) -> str:
    return f"section {printable(name, 60)}"


def _parts(first: bytes, old: Section, second: bytes, new: Section) -> tuple[bytes, bytes] | None:
    """The contents of two sections, from the first difference on if they are large; None if equal."""
    at, end = 0, max(old.size, new.size)
    while at < end:
        one, other = _slice(first, old, at, 1 << 20), _slice(second, new, at, 1 << 20)
        if one != other:
            start = at if end > _WINDOW else 0
            return _slice(first, old, start, _WINDOW), _slice(second, new, start, _WINDOW)
        at += 1 << 20
    return None


def _slice(data: bytes, section: Section, start: int, size: int) -> bytes:
    return data[section.offset + start : section.offset + min(start + size, section.size)]


def part_evidence(
    where: str, first: bytes, second: bytes, otherwise: Cause, conditions: Sequence[Condition] = ()
) -> Iterator[Evidence]:
    """The differing strings of two parts with a known cause; without any, the first bytes that differ.

    ``otherwise`` is the cause of a difference that no string explains.
    """
    at = difference(first, second)
    low = max(at - _BEFORE, 0)
    # Start at a string, at the same offset in both: before ``at`` they are equal.
    low = first.rfind(b"\0", low, at) + 1 if first.find(b"\0", low, at) >= 0 else low
    ours = Counter(_STRING.findall(first[low : low + _WINDOW]))
    theirs = Counter(_STRING.findall(second[low : low + _WINDOW]))
    told = 0
    for one, other in zip_longest(list(ours - theirs), list(theirs - ours), fillvalue=b""):
        found = _of_strings(where or f"offset {at:#x}", one, other, conditions)
        # Four bytes of code may happen to look like a string: only recognised patterns count, and a number
        # alone is not enough.
        if found.cause == "content" or (found.cause in ("random", "order") and len(one) < 8):
            continue
        yield found
        told += 1
        if told == _MOST:
            return
    if not told:
        yield Evidence(
            f"{where}, offset {at:#x}".removeprefix(", "),
            otherwise,
            _hex(first[at : at + 16]),
            _hex(second[at : at + 16]),
        )


def _of_strings(where: str, one: bytes, other: bytes, conditions: Sequence[Condition]) -> Evidence:
    found = evidence(where, one.decode("utf-8", "replace"), other.decode("utf-8", "replace"), conditions)
    starts = one.find(b"/"), other.find(b"/")
    if found.cause == "content" and starts[0] == starts[1] and 0 < starts[0] <= _PREFIX:
        # The bytes before it may not be part of the string, but for example its length.
        cut = one[starts[0] :].decode("utf-8", "replace"), other[starts[0] :].decode("utf-8", "replace")
        found = evidence(where, *cut, conditions)
    return found


def _bytecode(first: bytes, second: bytes, conditions: Sequence[Condition]) -> tuple[Evidence, ...]:
    """See https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation."""
    parts = (
        (0, 4, "the interpreter's magic number"),
        (4, 8, "flags"),
        (8, 16, "time and size of the source"),
    )
    found = [
        Evidence(what, "bytecode", _hex(first[low:high]), _hex(second[low:high]))
        for low, high, what in parts
        if first[low:high] != second[low:high]
    ]
    one, other = first[_PYC_HEADER:], second[_PYC_HEADER:]
    if one != other:
        found += [
            Evidence(f"code, {item.where}".removesuffix(", "), "bytecode", item.first, item.second)
            for item in part_evidence("", one, other, "bytecode", conditions)
        ]
    return tuple(found)


def _archive(first: bytes, second: bytes, conditions: Sequence[Condition]) -> Iterator[Evidence]:
    """A static archive (``ar``): each member has a header of 60 bytes with its time."""
    ours, theirs = list(_members(first)), list(_members(second))
    names, others = [name for name, _, _ in ours], [name for name, _, _ in theirs]
    if names != others:
        cause: Cause = "order" if sorted(names) == sorted(others) else "content"
        yield Evidence(
            "members",
            cause,
            printable(b" ".join(names), 120),
            printable(b" ".join(others), 120),
        )
        return
    for (name, header, one), (_, other_header, other) in zip(ours, theirs, strict=True):
        member = f"member {printable(name, 60)}"
        if header[16:28] != other_header[16:28]:
            yield Evidence(
                member, "timestamp", printable(header[16:28]).strip(), printable(other_header[16:28]).strip()
            )
        if header[28:48] != other_header[28:48]:
            yield Evidence(member, "mode", printable(header[28:48]), printable(other_header[28:48]))
        if one != other:
            inner = tuple(_elf(one, other, conditions)) or tuple(
                part_evidence("", one, other, "code", conditions)
            )
            for item in inner:
                yield Evidence(f"{member}, {item.where}", item.cause, item.first, item.second)


def _members(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(name, header, content) of each member; ends where the archive is no longer valid."""
    at = len(_AR)
    while at + 60 <= len(data):
        header = data[at : at + 60]
        size = header[48:58].strip()
        if header[58:] != b"`\n" or not _NUMBER.fullmatch(size):
            return
        end = at + 60 + int(size)
        if end > len(data):
            return
        yield header[:16].strip(), header, data[at + 60 : end]
        at = end + end % 2


def _zip(first: bytes, second: bytes) -> Iterator[Evidence]:
    """Compare members by the table of contents; nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(first)) as one, zipfile.ZipFile(io.BytesIO(second)) as other:
            ours, theirs = one.infolist(), other.infolist()
    except (*DAMAGED_ZIP, OSError):
        return
    names, others = [info.filename for info in ours], [info.filename for info in theirs]
    if names != others:
        same = sorted(names) == sorted(others)
        yield Evidence(
            "members",
            "order" if same else "content",
            printable(" ".join(names), 120),
            printable(" ".join(others), 120),
        )
        return
    for info, twin in zip(ours, theirs, strict=True):
        where = f"member {printable(info.filename, 60)}"
        if info.date_time != twin.date_time:
            yield Evidence(where, "timestamp", _date(info.date_time), _date(twin.date_time))
        if info.external_attr != twin.external_attr:
            yield Evidence(where, "mode", f"{info.external_attr >> 16:o}", f"{twin.external_attr >> 16:o}")
        if info.CRC != twin.CRC:
            yield Evidence(where, "content", f"CRC {info.CRC:08x}", f"CRC {twin.CRC:08x}")


def _date(parts: tuple[int, ...]) -> str:
    return "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*parts)


def _seconds(where: str, first: bytes, second: bytes) -> Evidence:
    return Evidence(
        where, "timestamp", str(int.from_bytes(first, "little")), str(int.from_bytes(second, "little"))
    )


def _hex(data: bytes) -> str:
    return data[:24].hex(" ") if data else ""
