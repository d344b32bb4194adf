"""What wheels need from outside: sonames that neither they, nor other wheels, nor libc provide.

A wheel is read where it lies, by ranges where the server serves them: its table of contents, then its
shared objects only. The same tables of contents show two wheels that ship one path with different bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.knowledge.elf_needed import read_needed
from uvlock2nix.knowledge.fetch import Fetcher
from uvlock2nix.knowledge.store import soname_attribute

_SHARED: Final = re.compile(r"\.so(?:\.[0-9A-Za-z]+)*\Z")
MAX_MEMBER: Final = 96 << 20
MAX_READ: Final = 256 << 20
MAX_ENTRIES: Final = 300_000
BLOCK: Final = 1 << 20

# glibc and its loader: every environment has them, with the interpreter.
_LIBC: Final = re.compile(
    r"(?:ld-linux[\w-]*|ld64|lib(?:c|m|dl|rt|pthread|util|resolv|anl|nsl|crypt|mvec|thread_db))\.so\.\d\Z"
    r"|linux-vdso\.so\.1\Z|libc\.musl-\w+\.so\.1\Z"
)
# The NVIDIA driver's libraries: they must match the kernel's module, so no package may bring them.
_DRIVER: Final = re.compile(r"lib(?:cuda|nvidia-\w+|nvcuvid|cudadebugger|nvidia-ml)\.so\.1\Z")


@dataclass(frozen=True, slots=True)
class WheelContents:
    """``files``: path → (size, CRC 32) of what the wheel installs. ``provided`` are names of its shared
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


class _Remote(io.RawIOBase):
    """A seekable file over ranges of a URL, in blocks, each fetched once."""

    def __init__(self, fetcher: Fetcher, url: str) -> None:
        super().__init__()
        self._fetcher = fetcher
        self._url = url
        tail, self._size = fetcher.part(url, -(1 << 16), 0)
        self._blocks: dict[int, bytes] = {}
        self._tail_start = self._size - len(tail)
        self._tail = tail
        self._position = 0
        self._fetched = len(tail)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._position + size)
        if self._position >= end:
            return b""
        if self._position >= self._tail_start:
            data = self._tail[self._position - self._tail_start : end - self._tail_start]
        else:
            first, last = self._position // BLOCK, (end - 1) // BLOCK
            joined = b"".join(self._block(number) for number in range(first, last + 1))
            start = self._position - first * BLOCK
            data = joined[start : start + end - self._position]
        self._position += len(data)
        return data

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * BLOCK
            length = min(BLOCK, self._size - start)
            self._fetched += length
            if self._fetched > MAX_READ:
                raise InputError("too much of it would have to be fetched")
            if len(self._blocks) > 64:
                self._blocks.clear()
            data, _ = self._fetcher.part(self._url, start, length)
            if len(data) != length:
                raise NetworkError(f"{self._url}: the connection ended too early")
            self._blocks[number] = data
        return self._blocks[number]


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
    with _Remote(fetcher, url) as file:
        return _contents(file, name)


def _contents(file: io.RawIOBase | io.BufferedReader, name: str) -> WheelContents:
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_ENTRIES:
                raise InputError(f"{name} has more than {MAX_ENTRIES} files")
            return _collect(archive, infos)
    except (
        zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError,
        OverflowError, KeyError, IndexError,
    ) as error:  # fmt: skip
        raise InputError(f"{name} is not a good wheel: {str(error)[:150]}") from error


def _collect(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> WheelContents:
    files: dict[str, tuple[int, int]] = {}
    provided: set[str] = set()
    needed: set[str] = set()
    unread: list[str] = []
    for info in infos:
        path = _installed(info.filename)
        if info.is_dir() or path is None:
            continue
        files[path] = (info.file_size, info.CRC)
        base = path.rpartition("/")[2]
        if not _SHARED.search(base):
            continue
        provided.add(base)
        if info.file_size > MAX_MEMBER or info.compress_size > MAX_MEMBER:
            unread.append(f"{path}: too big to be read")
            continue
        with archive.open(info) as member:
            found = read_needed(member.read(MAX_MEMBER))
        if found is None:
            unread.append(f"{path}: not a good ELF file")
            continue
        needed.update(found.needed)
        if found.soname:
            provided.add(found.soname)
    return WheelContents(files, frozenset(provided), frozenset(needed), tuple(unread))


def _installed(name: str) -> str | None:
    """Where a member of a wheel is installed below site-packages; ``None`` for elsewhere or nowhere."""
    parts = name.split("/")
    if ".." in parts or name.startswith("/") or "\0" in name:
        return None
    if parts[0].endswith(".data"):
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in ("purelib", "platlib") else None
    return name


def outside(wheels: Mapping[str, WheelContents]) -> Mapping[str, Outside]:
    """Package → what its wheel needs from outside, given the other wheels of the environment.

    A library in a sibling wheel counts as there: it is found by a path relative to the wheels.
    """
    everywhere = frozenset(soname for wheel in wheels.values() for soname in wheel.provided)
    result: dict[str, Outside] = {}
    for package, wheel in wheels.items():
        missing = sorted(s for s in wheel.needed - everywhere if s and not _LIBC.match(s))
        driver = tuple(s for s in missing if _DRIVER.match(s))
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
