"""The facts of an ELF file that matter for references: pyelftools reads them, this module keeps watch.

Classes 32 and 64, both byte orders, after the System V gABI
(https://www.sco.com/developers/gabi/latest/contents.html). The bounds are ours, so that a hostile file costs
little more than its own size: every offset, size and count is checked against the file before it is used, and
pyelftools sees the file through a stream with a budget. What does not fit together is :class:`CorruptElf`.

Section headers do not count: the dynamic loader does not read them either, and tools that shrink a file drop
them. pyelftools would trust them (a hostile file has 2**64), so it is told that there are none. Names are
taken as bytes, by its ``parse_cstring_from_stream``: a search path need not be UTF-8, and must come back
byte for byte.

pyelftools is imported when the first ELF file is read: that takes 50 ms, and most commands see none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from uvlock2nix.refs.elfstream import CorruptElf, GuardedStream, Read, bytes_reader, file_reader

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.segments import Segment

__all__ = [
    "CorruptElf",
    "ElfFacts",
    "ElfFile",
    "Interpreter",
    "RunPath",
    "bytes_reader",
    "read_elf",
    "read_target",
]

MAGIC: Final = b"\x7fELF"
ET_EXEC: Final = 2
ET_DYN: Final = 3
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 14, 15, 29
_LONGEST_STRING: Final = 1 << 16
_MOST_TEXT: Final = 1 << 22
_MOST_DYNAMIC: Final = 1 << 14

Target: TypeAlias = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class RunPath:
    """A search path: file ``offset``, ``text`` without NUL, ``index`` in the string table, its tags."""

    offset: int
    text: bytes
    index: int
    tags: tuple[str, ...]  # "RPATH", "RUNPATH"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The program interpreter: file ``offset``, ``text``, and the ``room`` for it with the NULs behind it."""

    offset: int
    text: bytes
    room: int


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What the dynamic loader reads. ``target``: class, byte order, machine: what may be loaded together."""

    target: Target
    kind: int
    is_dynamic: bool
    interpreter: Interpreter | None
    runpaths: tuple[RunPath, ...]
    needed: tuple[bytes, ...]
    soname: bytes | None


class _NoStrings:
    """A string table for pyelftools, which would decode what :meth:`ElfFile.string` reads as bytes."""

    def get_string(self, offset: int, /) -> str:
        return ""


@contextmanager
def _guarded() -> Iterator[None]:
    """What pyelftools cannot read is :class:`CorruptElf`."""
    from elftools.common.exceptions import ELFError

    try:
        yield
    except ELFError as error:
        raise CorruptElf(str(error)) from error


def _number(names: Mapping[str, object], value: int | str) -> int:
    """The number in the file for what pyelftools shows by name where it knows one."""
    return value if isinstance(value, int) else cast("int", names[value])


class ElfFile:
    """An ELF file of ``size`` bytes behind ``read``. Only :class:`CorruptElf` is raised for what it holds."""

    def __init__(self, read: Read, size: int) -> None:
        self.size = size
        self._raw = read
        with _guarded():
            self._elf, target = _open(self._stream())
            self.bits, self.order, _ = target
            self.loads: tuple[tuple[int, int, int], ...] = ()
            self.dynamic: tuple[tuple[int, int], ...] = ()
            self.facts = self._facts(target)

    def _stream(self, end: int | None = None) -> IO[bytes]:
        return cast("IO[bytes]", GuardedStream(self._raw, self.size if end is None else end))

    def _check(self, offset: int, size: int) -> None:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise CorruptElf(f"{size} bytes at offset {offset} are not in the file")

    def _segments(self) -> list[Segment]:
        header, size = self._elf.header, self._elf.structs.Elf_Phdr.sizeof()
        count = header["e_phnum"]
        if count == 0:
            return []
        if header["e_phentsize"] != size or count == 0xFFFF:
            raise CorruptElf("the program headers have an impossible size or number")
        self._check(header["e_phoff"], size * count)
        return list(self._elf.iter_segments())

    def _facts(self, target: Target) -> ElfFacts:
        from elftools.elf.enums import ENUM_E_TYPE

        segments = self._segments()
        self.loads = tuple(
            (one["p_vaddr"], one["p_offset"], one["p_filesz"])
            for one in segments
            if one["p_type"] == "PT_LOAD"
        )
        interpreter = None
        for segment in segments:
            if segment["p_type"] == "PT_INTERP":
                interpreter = self._interpreter(segment)
            elif segment["p_type"] == "PT_DYNAMIC":
                self.dynamic = tuple(self._dynamic_entries(segment))
        # As the dynamic loader does it: of several entries with one tag, the last one counts.
        values = dict(self.dynamic)
        self.values = values
        self.strings = self.offset_of(values[_DT_STRTAB]) if _DT_STRTAB in values else -1
        self.strings_size = values.get(_DT_STRSZ, 0)
        if self.strings >= 0:
            self._check(self.strings, self.strings_size)
        return ElfFacts(
            target=target,
            kind=_number(ENUM_E_TYPE, self._elf.header["e_type"]),
            is_dynamic=bool(self.dynamic),
            interpreter=interpreter,
            runpaths=self._runpaths(),
            needed=tuple(self._texts(value for tag, value in self.dynamic if tag == _DT_NEEDED)),
            soname=self.string(values[_DT_SONAME]) if _DT_SONAME in values else None,
        )

    def _interpreter(self, segment: Segment) -> Interpreter:
        offset, size = segment["p_offset"], segment["p_filesz"]
        if not 0 < size <= _LONGEST_STRING:
            raise CorruptElf("the interpreter has an impossible length")
        self._check(offset, size)
        text, end, rest = segment.data().partition(b"\0")
        if not end:
            raise CorruptElf("the interpreter has no end")
        filling = len(rest) - len(rest.lstrip(b"\0"))  # what else is in the segment is not ours to overwrite
        return Interpreter(offset, text, len(text) + 1 + filling)

    def _dynamic_entries(self, segment: Segment) -> Iterator[tuple[int, int]]:
        from elftools.elf.dynamic import Dynamic
        from elftools.elf.enums import ENUM_D_TAG

        offset, count = segment["p_offset"], segment["p_filesz"] // self._elf.structs.Elf_Dyn.sizeof()
        if count > _MOST_DYNAMIC:
            raise CorruptElf("the dynamic section is impossibly long")
        self._check(offset, segment["p_filesz"])
        dynamic = Dynamic(self._elf.stream, self._elf, _NoStrings(), offset, count == 0)
        for tag in islice(dynamic.iter_tags(), count):  # by itself it ends at DT_NULL only
            number = _number(ENUM_D_TAG, tag.entry.d_tag)
            if number == 0:
                return
            yield number, tag.entry.d_val

    def offset_of(self, address: int) -> int:
        """Where in the file the byte is that is loaded at ``address``."""
        for vaddr, offset, filesz in self.loads:
            if vaddr <= address < vaddr + filesz:
                return offset + address - vaddr
        raise CorruptElf(f"address {address:#x} is in no segment")

    def string(self, index: int) -> bytes:
        """The string at ``index`` of the dynamic string table."""
        from elftools.common.utils import parse_cstring_from_stream

        if self.strings < 0 or not 0 <= index < self.strings_size:
            raise CorruptElf(f"string {index} is not in the dynamic string table")
        end = self.strings + min(self.strings_size, index + _LONGEST_STRING)
        text = parse_cstring_from_stream(self._stream(end), self.strings + index)
        if text is None:
            raise CorruptElf(f"string {index} of the dynamic string table has no end")
        return text

    def _texts(self, indices: Iterable[int]) -> Iterator[bytes]:
        """Strings of the table, which may not be repeated without end."""
        left = _MOST_TEXT
        for index in indices:
            text = self.string(index)
            left -= len(text)
            if left < 0:
                raise CorruptElf("the dynamic section names impossibly much")
            yield text

    def window(self, offset: int, size: int) -> bytes:
        """``size`` bytes of the file at ``offset``."""
        self._check(offset, size)
        return self._raw(offset, size)

    def record(self, kind: str, offset: int) -> Mapping[str, int]:
        """The record at ``offset``, by the names of its fields; ``kind``: one of pyelftools' structures."""
        from elftools.common.utils import struct_parse

        with _guarded():
            row: Mapping[str, int] = struct_parse(getattr(self._elf.structs, kind), self._stream(), offset)
        return row

    def number(self, kind: str, offset: int) -> int:
        """The number at ``offset``; ``kind``: one of pyelftools' types, such as ``Elf_word``."""
        from elftools.common.utils import struct_parse

        with _guarded():
            value: int = struct_parse(getattr(self._elf.structs, kind)(""), self._stream(), offset)
        return value

    def _runpaths(self) -> tuple[RunPath, ...]:
        """The search paths; the one that the loader goes by is the last one of its tag."""
        tags: dict[int, list[str]] = {}
        for tag, value in self.dynamic:
            if tag in (_DT_RPATH, _DT_RUNPATH):
                tags[value] = [*tags.pop(value, []), "RPATH" if tag == _DT_RPATH else "RUNPATH"]
        return tuple(
            RunPath(self.strings + index, text, index, tuple(tags[index]))
            for index, text in zip(tags, self._texts(tags), strict=True)
        )


def _open(stream: IO[bytes]) -> tuple[ELFFile, Target]:
    """pyelftools' view of a file, without its sections, and what the file is made for."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.enums import ENUM_E_MACHINE

    elf = ELFFile(stream)
    elf.header["e_shoff"] = 0  # pyelftools takes this for "no sections"
    order = "<" if elf.little_endian else ">"
    return elf, (elf.elfclass, order, _number(ENUM_E_MACHINE, elf.header["e_machine"]))


def read_elf(descriptor: int) -> ElfFile:
    """The ELF file open at ``descriptor``; :class:`CorruptElf` when it does not fit together."""
    return ElfFile(file_reader(descriptor), os.fstat(descriptor).st_size)


def read_target(descriptor: int) -> Target:
    """What the ELF file open at ``descriptor`` is made for; :class:`CorruptElf` when it has no ELF header."""
    with _guarded():
        size = os.fstat(descriptor).st_size
        return _open(cast("IO[bytes]", GuardedStream(file_reader(descriptor), size)))[1]
