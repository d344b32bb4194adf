"""Unpack an sdist into a folder with a fixed name."""

from __future__ import annotations

import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.damage import DAMAGED_ZIP
from uvlock2nix.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on unpacking: bytes, multiples of the archive's size, bytes that are always allowed, entries.

    The largest sdists on the index are below these; text compresses tenfold, a bomb a thousandfold.
    """

    bytes: int = 4 << 30
    factor: int = 200
    always_fine: int = 64 << 20
    entries: int = 500_000


LIMITS: Final = Limits()

_DAMAGED: Final = (*DAMAGED_ZIP, tarfile.TarError, lzma.LZMAError, OSError)


class _Bound:
    """Counts the unpacked content; raises ValueError above the limits."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        packed = archive.stat().st_size
        self.limit = min(limits.bytes, max(limits.always_fine, packed * limits.factor))
        self.most_entries = limits.entries
        self.bytes = 0
        self.entries = 0

    def add(self, size: int) -> None:
        """Count an entry of ``size`` bytes. Raises ValueError above the limits."""
        self.bytes += max(size, 0)
        self.entries += 1
        if self.bytes > self.limit or self.entries > self.most_entries:
            raise ValueError(f"it unpacks to more than {self.limit >> 20} MiB or {self.most_entries} files")


def unpack(archive: Path, to: Path, limits: Limits = LIMITS) -> Path:
    """Unpack a ``.tar.*`` or ``.zip`` sdist below ``to``; return its top folder.

    Nothing is written outside ``to``, no device or setuid file is created, and the size is limited. An
    archive without a single top folder is used as one if it can be built (as in uv).

    Raises:
        InputError: the archive is damaged, hostile, or has nothing to build.
    """
    to.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, to, _Bound(archive, limits))
        else:
            with tarfile.open(archive) as tar:
                _untar(tar, to, _Bound(archive, limits))
    except _DAMAGED as error:
        raise InputError(
            f"{archive.name}: cannot be unpacked: {error}",
            hint="the file matches the lock; report it to the package's maintainers",
        ) from None
    tops = [entry for entry in to.iterdir() if entry.is_dir() and not entry.is_symlink()]
    if any((to / name).is_file() for name in ("pyproject.toml", "setup.py")):
        return to
    if len(tops) != 1:
        raise InputError(
            f"{archive.name}: {len(tops)} folders at its top, an sdist must have one",
            hint="https://packaging.python.org/en/latest/specifications/source-distribution-format/",
        )
    return tops[0]


def _untar(tar: tarfile.TarFile, to: Path, bound: _Bound) -> None:
    if hasattr(tarfile, "data_filter"):
        tar.extractall(to, members=_bounded(tar, bound), filter="data")
    else:  # Python before 3.11.4, which Debian 12 has
        tar.extractall(to, members=(plain(member, to) for member in _bounded(tar, bound)))  # noqa: S202


def _bounded(tar: tarfile.TarFile, bound: _Bound) -> Iterator[tarfile.TarInfo]:
    for member in tar:
        bound.add(member.size)
        yield member


def plain(member: tarfile.TarInfo, to: Path) -> tarfile.TarInfo:
    """PEP 706's ``data`` filter, for a Python without it.

    Raises:
        ValueError: the member is a device or leads out of ``to``.
    """
    root = os.path.realpath(to)
    inside = os.path.realpath(os.path.join(root, member.name))  # noqa: PTH118 - names may be absolute
    places = [inside]
    if member.issym():
        places.append(os.path.realpath(os.path.join(os.path.dirname(inside), member.linkname)))  # noqa: PTH118, PTH120
    elif member.islnk():
        places.append(os.path.realpath(os.path.join(root, member.linkname)))  # noqa: PTH118
    elif not (member.isreg() or member.isdir()):
        raise ValueError(f"{member.name}: neither a file nor a folder nor a link")
    if any(place != root and not place.startswith(root + os.sep) for place in places):
        raise ValueError(f"{member.name}: points outside the archive")
    run = 0o111 if member.isdir() or member.mode & stat.S_IXUSR else 0
    member.mode = 0o644 | run
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    return member


def _unzip(archive: Path, to: Path, bound: _Bound) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            # No more than this is read of an entry.
            bound.add(info.file_size)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ValueError(f"{info.filename}: a symlink in a zip")
            target = zipped.extract(info, to)
            if info.external_attr >> 16 & stat.S_IXUSR and not info.is_dir():
                path = Path(target)
                path.chmod(path.stat().st_mode | 0o111)
