"""Read wheels: the installed files, the shared objects, and what these need from the loader.

A wheel is read in place, by ranges if the server supports them: its table of contents, then only its shared
objects. The tables of contents also show if two wheels ship a path with different content.
"""

from __future__ import annotations

import configparser
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.damage import DAMAGED_ZIP
from uvlock2nix.errors import InputError
from uvlock2nix.first_lines import LIMIT
from uvlock2nix.inspect.elf_needed import Needed, read_needed
from uvlock2nix.inspect.interpreters import foreign_interpreter, is_no_script
from uvlock2nix.inspect.packed import PLAIN, USUAL, Bounded, Budget, Limits, Member, Stored, TooMuchError
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.net.remote import USUAL as USUAL_PARTS
from uvlock2nix.net.remote import Parts, RemoteFile
from uvlock2nix.reading import open_regular
from uvlock2nix.regex import regex

_SHARED: Final = regex(r"\.so(?:\.[0-9A-Za-z]+)*\Z")
ROOT: Final = "../../../"
BIN: Final = f"{ROOT}bin/"
MAX_METADATA: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class WheelContents:
    """``files``: path as in RECORD → (size, CRC 32) of the installed files; launchers of entry points count
    by what they start. ``provided`` are names of its shared objects, ``needed`` what they need from the
    loader; ``unread`` shared objects that could not be read; ``interpreters`` the programs, other than Python
    and shells, in the shebangs of its executable scripts.
    """

    files: Mapping[str, tuple[int, int]]
    provided: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    interpreters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collision:
    """``path`` is shipped by several packages, with different content."""

    path: str
    packages: tuple[str, ...]


def read_wheel(path: Path, limits: Limits = USUAL) -> WheelContents:
    """Read a wheel on disk.

    Raises:
        InputError: it is not a zip file, is damaged, or exceeds the limits.
    """
    try:
        with open_regular(path) as file:
            return _contents(file, path.name, limits)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def read_remote_wheel(
    fetcher: Fetcher, url: str, name: str, parts: Parts | None = None, limits: Limits = USUAL
) -> WheelContents:
    """Read a wheel at a URL by ranges.

    Raises:
        NetworkError: also if the server does not support ranges.
        InputError: as :func:`read_wheel`.
    """
    with RemoteFile(fetcher, url, parts or USUAL_PARTS) as file:
        return _contents(file, name, limits)


def read_metadata(fetcher: Fetcher | None, place: str | Path, name: str) -> str:
    """METADATA of a wheel at a URL (read by ranges) or on disk.

    https://packaging.python.org/en/latest/specifications/core-metadata/. Raises as :func:`read_remote_wheel`.
    """
    try:
        with _opened(fetcher, place) as file, zipfile.ZipFile(Bounded(file, USUAL.piece)) as archive:
            for info in archive.infolist():
                folder, _, base = info.filename.rpartition("/")
                if base == "METADATA" and folder.endswith(".dist-info") and "/" not in folder:
                    if info.file_size > MAX_METADATA or info.compress_type not in PLAIN:
                        raise InputError(f"{name}: its METADATA is too large, or has an unusual compression")
                    return archive.read(info).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot read {place}: {error.strerror}") from error
    except DAMAGED_ZIP as error:
        raise InputError(f"{name} is not a valid wheel: {str(error)[:150]}") from error
    raise InputError(f"{name} is not a valid wheel: it has no METADATA")


def _opened(
    fetcher: Fetcher | None, place: str | Path
) -> AbstractContextManager[io.RawIOBase | io.BufferedReader]:
    if isinstance(place, Path):
        return open_regular(place)
    if fetcher is None:
        raise InputError("network access is turned off")
    return RemoteFile(fetcher, place)


def _contents(file: io.RawIOBase | io.BufferedReader, name: str, limits: Limits) -> WheelContents:
    try:
        bounded = Bounded(file, limits.piece)
        with zipfile.ZipFile(bounded) as archive:
            infos = archive.infolist()
            if len(infos) > limits.entries:
                raise InputError(f"{name} has more than {limits.entries} files")
            return _collect(archive, bounded, infos, limits)
    except DAMAGED_ZIP as error:
        raise InputError(f"{name} is not a valid wheel: {str(error)[:150]}") from error


def _collect(
    archive: zipfile.ZipFile, file: Bounded, infos: list[zipfile.ZipInfo], limits: Limits
) -> WheelContents:
    files: dict[str, tuple[int, int]] = {}
    provided: set[str] = set()
    needed: set[str] = set()
    unread: list[str] = []
    interpreters: set[str] = set()
    budget = Budget(limits)
    for info in infos:
        path = _installed(info.filename)
        if info.is_dir() or path is None:
            continue
        files[path] = (info.file_size, info.CRC)
        if path.endswith(".dist-info/entry_points.txt") and path.count("/") == 1:
            files |= _launchers(archive, info, limits.text)
        base = path.rpartition("/")[2]
        if not _SHARED.search(base):
            if (path.startswith(BIN) or info.external_attr >> 16 & 0o111) and not is_no_script(base):
                interpreters.update(_interpreter(archive, info))
            continue
        provided.add(base)
        if not limits.inside:
            continue
        found = _needed(archive, file, info, budget)
        if isinstance(found, str):
            unread.append(f"{path}: {found}")
            continue
        needed.update(found.needed)
        if found.soname:
            provided.add(found.soname)
    return WheelContents(
        files, frozenset(provided), frozenset(needed), tuple(unread), frozenset(interpreters)
    )


def _interpreter(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The program that the first line of an executable names, unless env always has it."""
    if info.compress_type not in PLAIN or info.flag_bits & 1:
        return ()
    with archive.open(info) as file:
        name = foreign_interpreter(file.read(LIMIT))
    return (name,) if name is not None else ()


def _needed(archive: zipfile.ZipFile, wheel: Bounded, info: zipfile.ZipInfo, budget: Budget) -> Needed | str:
    """What a shared object needs, or why that is unknown; of any size."""
    if info.compress_type not in PLAIN:
        return "has an unusual compression"
    if info.flag_bits & 1:
        return "encrypted"
    try:
        if info.compress_type == zipfile.ZIP_STORED:
            found = read_needed(Stored(wheel, info), info.file_size)
        else:
            with archive.open(info) as file:
                found = read_needed(Member(file, budget), info.file_size)
    except TooMuchError:
        return f"more than {budget.limits.unpacked >> 30} GiB would have to be unpacked"
    except DAMAGED_ZIP as error:
        return f"damaged: {str(error)[:80]}"
    return found if found is not None else "not a valid ELF file"


def _installed(name: str) -> str | None:
    """Where a member of a wheel is installed, as in RECORD; ``None`` if that does not matter here."""
    parts = name.split("/")
    if ".." in parts or name.startswith("/") or "\0" in name:
        return None
    if parts[0].endswith(".data"):
        if len(parts) == 3 and parts[1] == "scripts":
            return BIN + parts[2]
        if len(parts) > 2 and parts[1] == "data":
            return ROOT + "/".join(parts[2:])
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in ("purelib", "platlib") else None
    return name


def _launchers(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> dict[str, tuple[int, int]]:
    """The programs that an installer creates for entry points, each with a checksum of its target.

    https://packaging.python.org/en/latest/specifications/entry-points/
    """
    if info.file_size > most or info.compress_type not in PLAIN:
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
    except (configparser.Error, *DAMAGED_ZIP):
        return {}
    return {
        BIN + name: (0, zlib.crc32("".join((reference or "").split()).encode()))
        for name, reference in points
        if name and "/" not in name and "\0" not in name
    }


def collisions(wheels: Mapping[str, WheelContents]) -> tuple[Collision, ...]:
    """Paths that several packages ship with different content, sorted."""
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
