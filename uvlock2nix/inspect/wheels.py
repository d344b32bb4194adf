"""What wheels need from outside: sonames that neither they, nor other wheels, nor libc provide.

A wheel is read where it lies, by ranges where the server serves them: its table of contents, then its
shared objects only. The same tables of contents show two wheels that ship one path with different bytes.
"""

from __future__ import annotations

import configparser
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from uvlock2nix.errors import InputError
from uvlock2nix.inspect.elf_needed import Needed, read_needed
from uvlock2nix.knowledge.names import is_driver, is_libc, soname_attribute
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.net.remote import RemoteFile

_SHARED: Final = re.compile(r"\.so(?:\.[0-9A-Za-z]+)*\Z")
BIN: Final = "../../../bin/"
# How members of wheels are packed; others may need much memory to unpack.
PLAIN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What reading a zip file may raise when it is damaged.
DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, RuntimeError, EOFError,
    OverflowError, KeyError, IndexError,
)  # fmt: skip
MAX_METADATA: Final = 4 << 20
MAX_TEXT: Final = 1 << 20
MAX_ENTRIES: Final = 300_000
# At once (the table of contents), and unpacked in all: the largest wheels of CUDA hold 3 GiB.
MAX_PIECE: Final = 64 << 20
MAX_UNPACKED: Final = 12 << 30
PIECE: Final = 1 << 20
KEEP: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class WheelContents:
    """``files``: path as in RECORD → (size, CRC 32) of what the wheel installs; launchers of entry points
    count by what they start. ``provided`` are names of its shared
    objects, ``needed`` what they ask the loader for; ``unread`` shared objects that could not be looked at.
    """

    files: Mapping[str, tuple[int, int]]
    provided: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outside:
    """What one wheel needs that no wheel has: nixpkgs ``attributes``, sonames of the ``driver``, and
    sonames ``unknown`` to our table.
    """

    attributes: tuple[str, ...] = ()
    driver: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collision:
    """``path`` is shipped by several packages, with different bytes."""

    path: str
    packages: tuple[str, ...]


def read_wheel(path: Path) -> WheelContents:
    """Read a wheel on disk.

    Raises:
        InputError: it is no zip file, damaged, or beyond the bounds.
    """
    try:
        with path.open("rb") as file:
            return _contents(file, path.name)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def read_remote_wheel(fetcher: Fetcher, url: str, name: str) -> WheelContents:
    """Read a wheel at a URL by ranges.

    Raises:
        NetworkError: also where the server does not serve ranges.
        InputError: as :func:`read_wheel`.
    """
    with RemoteFile(fetcher, url) as file:
        return _contents(file, name)


def read_metadata(fetcher: Fetcher | None, place: str | Path, name: str) -> str:
    """METADATA of a wheel at a URL (read by ranges) or on disk.

    https://packaging.python.org/en/latest/specifications/core-metadata/. Raises as :func:`read_remote_wheel`.
    """
    try:
        with _opened(fetcher, place) as file, zipfile.ZipFile(_Bounded(file)) as archive:
            for info in archive.infolist():
                folder, _, base = info.filename.rpartition("/")
                if base == "METADATA" and folder.endswith(".dist-info") and "/" not in folder:
                    if info.file_size > MAX_METADATA or info.compress_type not in PLAIN:
                        raise InputError(f"{name}: its METADATA is too large, or packed as wheels are not")
                    return archive.read(info).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot read {place}: {error.strerror}") from error
    except DAMAGE as error:
        raise InputError(f"{name} is not a good wheel: {str(error)[:150]}") from error
    raise InputError(f"{name} is not a good wheel: it has no METADATA")


def _opened(fetcher: Fetcher | None, place: str | Path) -> io.RawIOBase | io.BufferedReader:
    if isinstance(place, Path):
        return place.open("rb")
    if fetcher is None:
        raise InputError("the network may not be asked")
    return RemoteFile(fetcher, place)


def _contents(file: io.RawIOBase | io.BufferedReader, name: str) -> WheelContents:
    try:
        bounded = _Bounded(file)
        with zipfile.ZipFile(bounded) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_ENTRIES:
                raise InputError(f"{name} has more than {MAX_ENTRIES} files")
            return _collect(archive, bounded, infos)
    except DAMAGE as error:
        raise InputError(f"{name} is not a good wheel: {str(error)[:150]}") from error


class _Bounded(io.RawIOBase):
    """A file of which nobody takes much at once, whatever length the file itself claims."""

    def __init__(self, file: io.RawIOBase | io.BufferedReader) -> None:
        super().__init__()
        self._file = file
        self._size = file.seek(0, io.SEEK_END)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._size - self._file.tell(), 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > MAX_PIECE:
            raise ValueError(f"a part of it is larger than {MAX_PIECE >> 20} MiB")
        return self._file.read(wanted) or b""


def _collect(archive: zipfile.ZipFile, file: _Bounded, infos: list[zipfile.ZipInfo]) -> WheelContents:
    files: dict[str, tuple[int, int]] = {}
    provided: set[str] = set()
    needed: set[str] = set()
    unread: list[str] = []
    budget = [MAX_UNPACKED]
    for info in infos:
        path = _installed(info.filename)
        if info.is_dir() or path is None:
            continue
        files[path] = (info.file_size, info.CRC)
        if path.endswith(".dist-info/entry_points.txt") and path.count("/") == 1:
            files |= _launchers(archive, info)
        base = path.rpartition("/")[2]
        if not _SHARED.search(base):
            continue
        provided.add(base)
        found = _needed(archive, file, info, budget)
        if isinstance(found, str):
            unread.append(f"{path}: {found}")
            continue
        needed.update(found.needed)
        if found.soname:
            provided.add(found.soname)
    return WheelContents(files, frozenset(provided), frozenset(needed), tuple(unread))


class _Member:
    """A packed file: going on unpacks what is between, going back unpacks it again from the start.

    Its beginning and what was read last are kept: what we look for most often lies there, close together,
    in an order of its own.
    """

    def __init__(self, file: IO[bytes], budget: list[int]) -> None:
        self._file = file
        self._budget = budget
        self._position = 0
        self._unpacked = 0
        self._head = bytearray()
        self._tail = bytearray()

    def seek(self, offset: int, /) -> int:
        self._position = offset
        return offset

    def read(self, size: int, /) -> bytes:
        data = self._kept(size)
        if not data:
            if self._position < self._unpacked:
                self._file.seek(0)
                self._unpacked = 0
                self._tail.clear()
            if self._position - self._unpacked > self._budget[0]:
                raise _TooMuch
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
        piece = self._file.read(PIECE)
        if self._unpacked == len(self._head) < KEEP:
            self._head += piece
        self._unpacked += len(piece)
        self._budget[0] -= len(piece)
        self._tail += piece
        if len(self._tail) > 2 * KEEP:
            del self._tail[:-KEEP]
        return bool(piece)


class _TooMuch(Exception):
    """More would have to be unpacked than any honest wheel holds."""


class _Stored:
    """A file that lies in the wheel as it is: read where it lies."""

    def __init__(self, wheel: _Bounded, info: zipfile.ZipInfo) -> None:
        wheel.seek(info.header_offset)
        header = wheel.read(30)
        name, extra = struct.unpack_from("<HH", header, 26)
        self._wheel = wheel
        self._start = info.header_offset + 30 + name + extra
        self._position = 0

    def seek(self, offset: int, /) -> int:
        self._position = offset
        return offset

    def read(self, size: int, /) -> bytes:
        self._wheel.seek(self._start + self._position)
        data = self._wheel.read(size)
        self._position += len(data)
        return data


def _needed(
    archive: zipfile.ZipFile, wheel: _Bounded, info: zipfile.ZipInfo, budget: list[int]
) -> Needed | str:
    """What one shared object needs, or why that is not known; its size does not matter."""
    if info.compress_type not in PLAIN:
        return "packed in a way that wheels are not"
    if info.flag_bits & 1:
        return "encrypted"
    try:
        if info.compress_type == zipfile.ZIP_STORED:
            found = read_needed(_Stored(wheel, info), info.file_size)
        else:
            with archive.open(info) as file:
                found = read_needed(_Member(file, budget), info.file_size)
    except _TooMuch:
        return f"more than {MAX_UNPACKED >> 30} GiB would have to be unpacked"
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError) as error:
        return f"damaged: {str(error)[:80]}"
    return found if found is not None else "not a good ELF file"


def _installed(name: str) -> str | None:
    """Where a member of a wheel is installed, as RECORD says it; ``None`` for nowhere that counts here."""
    parts = name.split("/")
    if ".." in parts or name.startswith("/") or "\0" in name:
        return None
    if parts[0].endswith(".data"):
        if len(parts) == 3 and parts[1] == "scripts":
            return BIN + parts[2]
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in ("purelib", "platlib") else None
    return name


def _launchers(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, tuple[int, int]]:
    """The programs that an installer makes of the entry points, each with the sum of what it starts.

    https://packaging.python.org/en/latest/specifications/entry-points/
    """
    if info.file_size > MAX_TEXT or info.compress_type not in PLAIN:
        return {}
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(archive.read(info).decode("utf-8", "replace"))
        points = [
            point
            for section in ("console_scripts", "gui_scripts")
            if parser.has_section(section)
            for point in parser.items(section)
        ]
    except (configparser.Error, zipfile.BadZipFile, zlib.error, RuntimeError):
        return {}
    return {
        BIN + name: (0, zlib.crc32("".join((reference or "").split()).encode()))
        for name, reference in points
        if name and "/" not in name and "\0" not in name
    }


def outside(wheels: Mapping[str, WheelContents]) -> Mapping[str, Outside]:
    """Package → what its wheel needs from outside, given the other wheels of the environment.

    A library in a sibling wheel counts as there: it is found by a path relative to the wheels.
    """
    everywhere = frozenset(soname for wheel in wheels.values() for soname in wheel.provided)
    result: dict[str, Outside] = {}
    for package, wheel in wheels.items():
        missing = sorted(s for s in wheel.needed - everywhere if s and not is_libc(s))
        driver = tuple(s for s in missing if is_driver(s))
        known = {s: attr for s in missing if s not in driver and (attr := soname_attribute(s)) is not None}
        attributes = tuple(dict.fromkeys(attr for attr in known.values() if attr != "glibc"))
        unknown = tuple(s for s in missing if s not in driver and s not in known)
        if attributes or driver or unknown:
            result[package] = Outside(attributes, driver, unknown)
    return result


def collisions(wheels: Mapping[str, WheelContents]) -> tuple[Collision, ...]:
    """Paths that several packages ship with different bytes, sorted."""
    owners: dict[str, list[str]] = {}
    for package, wheel in wheels.items():
        for path in wheel.files:
            owners.setdefault(path, []).append(package)
    return tuple(
        Collision(path, tuple(packages))
        for path, packages in sorted(owners.items())
        if len(packages) > 1 and len(set(_versions(path, packages, wheels))) > 1
    )


def _versions(
    path: str, packages: Iterable[str], wheels: Mapping[str, WheelContents]
) -> Iterable[tuple[int, int]]:
    return (wheels[package].files[path] for package in packages)
