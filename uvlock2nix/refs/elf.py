"""The facts of an ELF file that matter for references, read by pyelftools under the checks of this module.

Classes 32 and 64, both byte orders, after the System V gABI
(https://www.sco.com/developers/gabi/latest/contents.html). The limits are ours, so that a hostile file costs
little more than its own size: every offset, size and count is checked against the file before it is used, and
pyelftools reads the file through a stream with a budget. An inconsistent file raises :class:`CorruptElf`.

Its structures are used, not its ``ELFFile``, which constructs 30 of them again for each file (0.9 of 2.2 ms,
1.2 ms as it is here), follows section headers (a hostile file has 2**64 of them; the dynamic loader reads
none, and tools that shrink files drop them), and decodes names: a search path need not be UTF-8, and must
come back byte for byte.

pyelftools is imported when the first ELF file is read: that takes 50 ms, and most commands read none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, cast

from uvlock2nix.refs.elfstream import CorruptElf, GuardedStream, Read, bytes_reader, file_reader

if TYPE_CHECKING:
    from elftools.elf.structs import ELFStructs

__all__ = [
    "CorruptElf",
    "ElfFacts",
    "ElfFile",
    "ElfTables",
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
    """The program interpreter: file ``offset``, ``text``, and the ``room`` for it with trailing NULs."""

    offset: int
    text: bytes
    room: int


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What the dynamic loader reads. ``target``: class, byte order, machine; libraries must have the same."""

    target: Target
    kind: int
    is_dynamic: bool
    interpreter: Interpreter | None
    runpaths: tuple[RunPath, ...]
    needed: tuple[bytes, ...]
    soname: bytes | None


@contextmanager
def _guarded() -> Iterator[None]:
    """Turn errors of pyelftools into :class:`CorruptElf`."""
    from elftools.common.exceptions import ELFError

    try:
        yield
    except ELFError as error:
        raise CorruptElf(str(error)) from error


def _number(names: Mapping[str, object], value: int | str) -> int:
    """The number for a value that pyelftools shows by name if it has one."""
    return value if isinstance(value, int) else cast("int", names[value])


@cache
def _structures(bits: int, order: str) -> ELFStructs:
    """pyelftools' structures for a class and byte order; without what is specific to a machine."""
    from elftools.elf.structs import ELFStructs

    structures = ELFStructs(little_endian=order == "<", elfclass=bits)
    structures.create_basic_structs()
    structures.create_advanced_structs()
    return structures


class ElfTables:
    """The header and the tables of an ELF file of ``size`` bytes read by ``read``.

    Its content raises only :class:`CorruptElf`.
    """

    def __init__(self, read: Read, size: int) -> None:
        self.size = size
        self._raw = read
        self._structures, self.header, self.target = _open(read, size)

    def _stream(self, end: int | None = None) -> IO[bytes]:
        return cast("IO[bytes]", GuardedStream(self._raw, self.size if end is None else end))

    def _check(self, offset: int, size: int) -> None:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise CorruptElf(f"{size} bytes at offset {offset} are not in the file")

    def window(self, offset: int, size: int) -> bytes:
        """``size`` bytes of the file at ``offset``."""
        self._check(offset, size)
        return self._raw(offset, size)

    def entry_size(self, kind: str) -> int:
        """The size in bytes of one of pyelftools' structures."""
        return int(getattr(self._structures, kind).sizeof())

    def rows(self, kind: str, offset: int, count: int) -> Iterator[Any]:
        """``count`` records of one of pyelftools' structures, in sequence."""
        from elftools.common.utils import struct_parse

        layout, stream = getattr(self._structures, kind), self._stream()
        size = layout.sizeof()
        self._check(offset, size * count)
        with _guarded():
            for number in range(count):
                yield struct_parse(layout, stream, offset + size * number)


class ElfFile(ElfTables):
    """An ELF file with what the dynamic loader reads of it. Only :class:`CorruptElf` is raised."""

    def __init__(self, read: Read, size: int) -> None:
        super().__init__(read, size)
        self.loads: tuple[tuple[int, int, int], ...] = ()
        self.dynamic: tuple[tuple[int, int], ...] = ()
        self.bits, self.order, _ = self.target
        self.facts = self._facts(self.target)

    def _segments(self) -> Iterator[Any]:
        count = self.header.e_phnum
        if count == 0:
            return iter(())
        if self.header.e_phentsize != self.entry_size("Elf_Phdr") or count == 0xFFFF:
            raise CorruptElf("the program headers have an impossible size or number")
        return self.rows("Elf_Phdr", self.header.e_phoff, count)

    def _facts(self, target: Target) -> ElfFacts:
        from elftools.elf.enums import ENUM_E_TYPE

        segments = tuple(self._segments())
        self.loads = tuple(
            (one.p_vaddr, one.p_offset, one.p_filesz) for one in segments if one.p_type == "PT_LOAD"
        )
        interpreter = None
        for segment in segments:
            if segment.p_type == "PT_INTERP":
                interpreter = self._interpreter(segment.p_offset, segment.p_filesz)
            elif segment.p_type == "PT_DYNAMIC":
                self.dynamic = tuple(self._dynamic_entries(segment.p_offset, segment.p_filesz))
        # As in the dynamic loader: of several entries with the same tag, the last counts.
        values = dict(self.dynamic)
        self.values = values
        self.strings = self.offset_of(values[_DT_STRTAB]) if _DT_STRTAB in values else -1
        self.strings_size = values.get(_DT_STRSZ, 0)
        if self.strings >= 0:
            self._check(self.strings, self.strings_size)
        return ElfFacts(
            target=target,
            kind=_number(ENUM_E_TYPE, self.header.e_type),
            is_dynamic=bool(self.dynamic),
            interpreter=interpreter,
            runpaths=self._runpaths(),
            needed=tuple(self._texts(value for tag, value in self.dynamic if tag == _DT_NEEDED)),
            soname=self.string(values[_DT_SONAME]) if _DT_SONAME in values else None,
        )

    def _interpreter(self, offset: int, size: int) -> Interpreter:
        if not 0 < size <= _LONGEST_STRING:
            raise CorruptElf("the interpreter has an impossible length")
        text, end, rest = self.window(offset, size).partition(b"\0")
        if not end:
            raise CorruptElf("the interpreter has no end")
        filling = len(rest) - len(rest.lstrip(b"\0"))  # other content of the segment must not be overwritten
        return Interpreter(offset, text, len(text) + 1 + filling)

    def _dynamic_entries(self, offset: int, size: int) -> Iterator[tuple[int, int]]:
        from elftools.elf.enums import ENUM_D_TAG_COMMON

        count = size // self.entry_size("Elf_Dyn")
        if count > _MOST_DYNAMIC:
            raise CorruptElf("the dynamic section is impossibly long")
        for row in self.rows("Elf_Dyn", offset, count):
            tag = _number(ENUM_D_TAG_COMMON, row.d_tag)
            if tag == 0:
                return
            yield tag, row.d_val

    def offset_of(self, address: int) -> int:
        """The file offset of the byte that is loaded at ``address``."""
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
        """Strings of the table, limited in total, because indices may repeat."""
        left = _MOST_TEXT
        for index in indices:
            text = self.string(index)
            left -= len(text)
            if left < 0:
                raise CorruptElf("the dynamic section has impossibly many entries")
            yield text

    def record(self, kind: str, offset: int) -> Mapping[str, int]:
        """The record at ``offset``, by the names of its fields; ``kind``: one of pyelftools' structures."""
        from elftools.common.utils import struct_parse

        with _guarded():
            row: Mapping[str, int] = struct_parse(getattr(self._structures, kind), self._stream(), offset)
        return row

    def number(self, kind: str, offset: int) -> int:
        """The number at ``offset``; ``kind``: one of pyelftools' types, such as ``Elf_word``."""
        from elftools.common.utils import struct_parse

        with _guarded():
            value: int = struct_parse(getattr(self._structures, kind)(""), self._stream(), offset)
        return value

    def _runpaths(self) -> tuple[RunPath, ...]:
        """The search paths; the loader uses the last of each tag."""
        tags: dict[int, list[str]] = {}
        for tag, value in self.dynamic:
            if tag in (_DT_RPATH, _DT_RUNPATH):
                tags[value] = [*tags.pop(value, []), "RPATH" if tag == _DT_RPATH else "RUNPATH"]
        return tuple(
            RunPath(self.strings + index, text, index, tuple(tags[index]))
            for index, text in zip(tags, self._texts(tags), strict=True)
        )


def _open(read: Read, size: int) -> tuple[ELFStructs, Any, Target]:
    """(the structures for the file, its header, its target)."""
    from elftools.common.utils import struct_parse
    from elftools.elf.enums import ENUM_E_MACHINE

    stream = cast("IO[bytes]", GuardedStream(read, size))
    ident = stream.read(6)
    if ident[:4] != MAGIC or ident[4:5] not in (b"\1", b"\2") or ident[5:] not in (b"\1", b"\2"):
        raise CorruptElf("the identification names no known class or byte order")
    bits, order = 32 * ident[4], "<" if ident[5] == 1 else ">"
    structures = _structures(bits, order)
    with _guarded():
        header = struct_parse(structures.Elf_Ehdr, stream, 0)
    return structures, header, (bits, order, _number(ENUM_E_MACHINE, header.e_machine))


def read_elf(descriptor: int) -> ElfFile:
    """The ELF file open at ``descriptor``; :class:`CorruptElf` if it is inconsistent."""
    return ElfFile(file_reader(descriptor), os.fstat(descriptor).st_size)


def read_target(descriptor: int) -> Target:
    """The target of the ELF file open at ``descriptor``; :class:`CorruptElf` if it has no ELF header."""
    return _open(file_reader(descriptor), os.fstat(descriptor).st_size)[2]
