"""Read an sdist without unpacking it: only the files that describe its build, within hard limits.

The archive is untrusted: nothing is written to disk, symlinks are not followed, names are only text, and a
bomb ends in an error that reports it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, Final, NoReturn, cast

from uvlock2nix.damage import DAMAGED_ZIP
from uvlock2nix.errors import InputError
from uvlock2nix.reading import open_regular

MAX_HEADER: Final = 1 << 20
_SYMLINK: Final = 0xA


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on reading, in bytes except for ``members``.

    The largest sdists on the index unpack to about 1 GB; their build files are small. ``kept``: of all files
    that are read; ``names``: of all names; ``directory``: of a zip.
    """

    unpacked: int = 2 << 30
    members: int = 200_000
    file: int = 2 << 20
    kept: int = 24 << 20
    name: int = 1000
    names: int = 32 << 20
    directory: int = 8 << 20
    xz_memory: int = 128 << 20


USUAL: Final = Limits()


@dataclass(frozen=True, slots=True)
class Archive:
    """The part of an sdist that inspection reads.

    ``names`` are all regular files, below the archive's top directory. ``texts`` has the wanted files, as
    text (undecodable bytes replaced). ``oddities`` are names that point outside, links and files that
    were too big to be read.
    """

    names: tuple[str, ...]
    texts: dict[str, str]
    oddities: tuple[str, ...] = ()


class _Counted:
    """A stream that refuses to return more than ``limit`` bytes: a decompression bomb stops here."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        """As for a binary file. Raises InputError above the limits."""
        data = self._stream.read(min(size if size >= 0 else 1 << 16, 1 << 20))
        self._left -= len(data)
        if self._left < 0:
            raise InputError("the archive unpacks to more than 2 GiB")
        return data


class _Xz:
    """An xz stream, unpacked with bounded memory: its header may request gigabytes."""

    def __init__(self, file: BinaryIO, memory: int) -> None:
        self._file = file
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory)

    def read(self, size: int) -> bytes:
        """As for a binary file. Raises InputError above the limits."""
        parts: list[bytes] = []
        left = size
        while left > 0 and not self._decompressor.eof:
            packed = self._file.read(1 << 16) if self._decompressor.needs_input else b""
            if self._decompressor.needs_input and not packed:
                raise EOFError("the xz stream ends too early")
            parts.append(self._decompressor.decompress(packed, left))
            left -= len(parts[-1])
        return b"".join(parts)


class _Header(tarfile.TarInfo):
    """Refuses headers that no honest sdist has and that are read into memory completely.

    These are long extended headers, endless global headers, and maps of sparse files. tarfile has no
    limits for them, so its own readers of sparse maps are replaced.
    """

    # Per archive: each gets its own class.
    global_left = MAX_HEADER

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> _Header:
        """Parse a header as tarfile does. Raises InputError for one that is not allowed."""
        header = super().frombuf(buf, encoding or "utf-8", errors)
        extended = tarfile.GNUTYPE_LONGNAME + tarfile.GNUTYPE_LONGLINK + tarfile.XHDTYPE + tarfile.XGLTYPE
        if header.type in extended + tarfile.SOLARIS_XHDTYPE and header.size > MAX_HEADER:
            raise InputError(f"the archive has a header of {header.size} bytes")
        if header.type == tarfile.XGLTYPE:
            cls.global_left -= header.size
            if cls.global_left < 0:
                raise InputError(f"the archive has more than {MAX_HEADER} bytes of global headers")
        if header.size < 0:
            raise InputError("the archive has a file of negative size")
        return header

    def _no_sparse(self, *_: object) -> NoReturn:
        raise InputError("the archive has a sparse file")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _no_sparse


class _Limited:
    """A file that limits a single read, because the directory of a zip is read at once."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        """As for a binary file. Raises InputError above the limits."""
        data = self._file.read(min(size, self._limit + 1) if size >= 0 else self._limit + 1)
        if len(data) > self._limit:
            raise InputError(f"the zip's directory is larger than {self._limit >> 20} MiB")
        return data


def read_archive(path: Path, wanted: Callable[[str], bool], limits: Limits = USUAL) -> Archive:
    """Read the files of an sdist (``.tar.gz``, ``.tar.bz2``, ``.tar.xz``, ``.zip``) that ``wanted`` accepts.

    ``wanted`` gets a file's name below the top directory.

    Raises:
        InputError: the file is not such an archive, is damaged, or exceeds the limits.
    """
    try:
        with open_regular(path) as file:
            return _read(file, wanted, limits)
    except InputError as error:
        raise InputError(f"{path.name}: {error.message}", hint=_HINT) from error
    except (
        *DAMAGED_ZIP,
        tarfile.TarError,
        lzma.LZMAError,
        OSError,
        MemoryError,
    ) as error:
        raise InputError(f"{path.name} cannot be read as an sdist: {error}", hint=_HINT) from error


# Directories of a source tree that would not be in its sdist, and may be huge.
_NOT_SOURCE: Final = frozenset(
    {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".tox", "target"}
)


def read_tree(root: Path, wanted: Callable[[str], bool], limits: Limits = USUAL) -> Archive:
    """The same for a source tree on disk; symlinks are not followed.

    Raises:
        InputError: the tree is missing, or exceeds the limits.
    """
    names: list[str] = []
    texts: dict[str, str] = {}
    oddities: list[str] = []
    kept = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(d for d in folders if d not in _NOT_SOURCE)
        for base in sorted(files):
            path = Path(folder, base)
            name = path.relative_to(root).as_posix()
            if path.is_symlink() or not path.is_file():
                continue
            names.append(name)
            if len(names) > limits.members:
                raise InputError(f"{root}: more than {limits.members} files", hint=_HINT)
            if not wanted(name):
                continue
            try:
                with open_regular(path) as file:
                    texts[name] = file.read(limits.file).decode("utf-8", "replace")
            except OSError as error:
                _odd(oddities, f"{name} was not read: {error.strerror}")
            kept += len(texts.get(name, ""))
            if kept > limits.kept:
                raise InputError(
                    f"{root}: its build files are larger than {limits.kept >> 20} MiB", hint=_HINT
                )
    if not names:
        raise InputError(f"{root}: no source tree", hint=_HINT)
    return Archive(tuple(names), texts, tuple(oddities))


_HINT: Final = "it was not inspected; declare what it needs under [tool.uvlock2nix.native.<name>]"


def _read(file: BinaryIO, wanted: Callable[[str], bool], limits: Limits) -> Archive:
    magic = file.read(6)
    file.seek(0)
    if magic[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _collect(_zip_files(file, limits), wanted, limits)
    if magic[:2] == b"\x1f\x8b":
        stream: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    elif magic[:3] == b"BZh":
        stream = cast("IO[bytes]", bz2.BZ2File(file))
    elif magic == b"\xfd7zXZ\x00":
        stream = cast("IO[bytes]", _Xz(file, limits.xz_memory))
    else:
        stream = file
    return _collect(_tar_files(_Counted(stream, limits.unpacked)), wanted, limits)


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    size: int
    regular: bool
    open: Callable[[], IO[bytes] | None]


def _tar_files(stream: _Counted) -> Iterator[_File]:
    headers = type("_Headers", (_Header,), {})
    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|", tarinfo=headers) as tar:
        while (member := tar.next()) is not None:
            yield _File(member.name, member.size, member.isreg(), partial(tar.extractfile, member))
            # tarfile keeps every member in memory; a hostile archive could exhaust it.
            tar.members = []  # type: ignore[attr-defined]


def _zip_files(file: BinaryIO, limits: Limits) -> Iterator[_File]:
    with zipfile.ZipFile(cast("IO[bytes]", _Limited(file, limits.directory))) as archive:
        for info in archive.infolist():
            regular = not info.is_dir() and (info.external_attr >> 28) != _SYMLINK
            # The other methods cannot be limited.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise InputError(f"{info.filename[:200]!r} is packed with method {info.compress_type}")
            yield _File(info.filename, info.file_size, regular, partial(archive.open, info))


def _collect(files: Iterator[_File], wanted: Callable[[str], bool], limits: Limits) -> Archive:
    names: list[str] = []
    texts: dict[str, str] = {}
    oddities: list[str] = []
    kept = named = 0
    for count, file in enumerate(files):
        if count >= limits.members:
            raise InputError(f"the archive has more than {limits.members} files")
        name = _below_top(file.name)
        if name is None:
            _odd(oddities, f"{file.name[:200]!r} points outside the archive")
            continue
        if not file.regular:
            continue
        named += len(name)
        if len(name) > limits.name or named > limits.names:
            raise InputError("the archive's file names are longer than those of any sdist")
        names.append(name)
        if not wanted(name):
            continue
        if file.size > limits.file or kept > limits.kept:
            _odd(oddities, f"{name} was not read: too big")
            continue
        stream = file.open()
        data = stream.read(limits.file) if stream is not None else b""
        kept += len(data)
        texts[name] = data.decode("utf-8", "replace")
    if not names:
        raise InputError("the archive has no files")
    return Archive(tuple(names), texts, tuple(oddities))


def _odd(oddities: list[str], text: str) -> None:
    if len(oddities) < 20:
        oddities.append(text)


def _below_top(name: str) -> str | None:
    """``lxml-6.0/src/x.c`` → ``src/x.c``; ``None`` for a name that leaves the archive."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        return None
    return "/".join(parts[1:] if len(parts) > 1 else parts)
