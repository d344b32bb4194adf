"""Installing an ordinary wheel without a process for it: unpacked, recorded, normalised in one pass.

It gives what :func:`uvlock2nix.venv.single.install_wheel` gives, which has uv install the wheel. A wheel is
ordinary where nothing has to be decided: no ``.data`` folder, one distribution, a plain ZIP file whose
parts follow each other. For every other one the answer is None, and uv installs or refuses it.
https://packaging.python.org/en/latest/specifications/binary-distribution-format/

It runs once for each package that is built, so that it imports little.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

from uvlock2nix.damage import DAMAGED_ZIP
from uvlock2nix.dist.entry_points import launcher_lines, points_of
from uvlock2nix.dist.record import INSTALLER_FILES, Record, hash_field, write_record
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.regex import regex

_BINARY: Final = frozenset(
    bytes.fromhex(text)
    for text in ("7f454c46", "feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe", "cafebabf")
)
_UNSAFE: Final = regex(r"[\\:\x00-\x1f\x7f]|\A/|//|(?:\A|/)\.{1,2}(?:/|\Z)")
# Names that uv may refuse, or warns of; values that it may not understand.
_POINT: Final = regex(r"([\w-][\w.-]*)\s*=\s*[\w.]+\s*:\s*[\w.]+\s*(?:\[[\w\s,.-]*\])?\Z", re.ASCII)
# Where `str.splitlines` ends a line, and others do not.
_ODD_BREAK: Final = regex(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|\r(?!\n)")
_RESERVED: Final = regex(r"(?:pythonw?|pypy|graalpy)[0-9.]*t?(?:\.exe|\.py)?\Z|activate", re.IGNORECASE)
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_END: Final = struct.Struct("<4s8x2L2x")
_BLOCK: Final = 1 << 20
# What an ordinary wheel does not exceed: bytes of metadata and of RECORD, depth and length of a name.
_METADATA: Final = 4 << 20
_RECORD: Final = 64 << 20
_DEPTH: Final = 30
_NAME: Final = 500
_PART: Final = regex(r"[^/]{200}")
_DESCRIPTORS: Final = frozenset([12, 16, 20, 24])


class Unpacked(NamedTuple):
    """What an installed wheel is: its normalised name, its version, and what has to be done with its files.

    ``binary``: some file is compiled code. ``scripts``: some executable file begins with ``#!``.
    ``modules``: there are modules to compile.
    """

    name: str
    version: str
    binary: bool
    scripts: bool
    modules: bool


class _Head(NamedTuple):
    name: str
    version: str
    dist_info: str
    record: Record
    points: tuple[str, ...]


def unpack_wheel(wheel: Path, filename: str, site: Path) -> Unpacked | None:
    """Install an ordinary wheel into the folder ``site``; None, and nothing is written, where it is not.

    ``filename`` is its own name, which says what it is. Files are 0644, or 0755 where the wheel has them
    executable; bytecode and an installer's own files are left out, and RECORD is right for the others.

    Raises:
        InputError: a file is damaged.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = archive.infolist()
            head = _head(archive, entries, filename) if _is_ordinary(archive, entries) else None
            if head is None:
                return None
            return _write(archive, entries, head, site)
    except DAMAGED_ZIP as error:
        raise InputError(
            f"{filename}: {error}", hint="the wheel is damaged; report it to the package's maintainers"
        ) from None


def _is_ordinary(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> bool:
    if not all(map(_is_plain, entries)):
        return False
    files = [entry.filename for entry in entries if not entry.is_dir()]
    folders = {name[:at] for name in files for at in _slashes(name)}
    folders |= {entry.filename.rstrip("/") for entry in entries if entry.is_dir()}
    top = {name for name in folders if "/" not in name}
    return (
        not archive.comment
        # On a file system that ignores case two would be one.
        and len({name.casefold() for name in files}) == len(files)
        and not {name.casefold() for name in files} & {name.casefold() for name in folders}
        and sum(name.endswith(".dist-info") for name in top) == 1
        and not any(name.endswith(".data") for name in top)
        and not any(name.startswith("_virtualenv.") for name in files)
        and _is_gapless(archive, entries)
    )


def _slashes(name: str) -> Iterator[int]:
    return (at for at, letter in enumerate(name) if letter == "/")


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """Whether a file of an archive is just that: not a link, not encrypted, with a usual name."""
    kind = entry.external_attr >> 28
    return (
        entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        and not entry.flag_bits & 0x61  # encrypted, or a patch
        and kind in ((0, 4) if entry.is_dir() else (0, 8))
        and b"up" not in entry.extra  # a further name (0x7075), which not every reader takes
        # What it was before zipfile made something of it.
        and entry.orig_filename == entry.filename
        and len(entry.filename) <= _NAME
        and entry.filename.count("/") <= _DEPTH
        and not _PART.search(entry.filename)
        and not _UNSAFE.search(entry.filename.rstrip("/"))
    )


def _is_gapless(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether the files follow each other from the first byte to the directory: nothing hides in between."""
    stream = archive.fp
    if stream is None:
        return False
    end = stream.seek(-_END.size, os.SEEK_END)
    signature, size, start = _END.unpack(stream.read(_END.size))
    if signature != b"PK\x05\x06" or start + size != end:
        return False  # something follows, or the form for large archives
    at = 0
    gap: frozenset[int] = frozenset()
    for entry in sorted(entries, key=lambda one: one.header_offset):
        stream.seek(entry.header_offset)
        header = stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size:
            return False
        _, _, flags, method, _, _, *sizes, name, extra = _LOCAL.unpack(header)
        stated = [entry.CRC, entry.compress_size, entry.file_size]
        if entry.header_offset - at not in {0, *gap} or (flags, method) != (
            entry.flag_bits,
            entry.compress_type,
        ):
            return False
        if sizes != stated and not (flags & 0x08 and sizes == [0, 0, 0]):
            return False
        at = entry.header_offset + _LOCAL.size + name + extra + entry.compress_size
        gap = _DESCRIPTORS if entry.flag_bits & 0x08 else frozenset()
    return bool(entries) and archive.start_dir - at in {0, *gap}


def _head(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], filename: str) -> _Head | None:
    """What the metadata says, where it is what the file's name says and what every installer reads alike."""
    names = {entry.filename: entry.file_size for entry in entries}
    info = next(name.partition("/")[0] for name in sorted(names) if ".dist-info/" in name)
    wanted = [f"{info}/{name}" for name in ("WHEEL", "METADATA", "RECORD")]
    stated = filename.removesuffix(".whl").split("-")
    limits = dict(zip(wanted, (_METADATA, _METADATA, _RECORD), strict=True))
    limits[f"{info}/entry_points.txt"] = _METADATA
    if (
        not names.keys() >= {*wanted}
        or any(names.get(name, 0) > limit for name, limit in limits.items())
        or len(stated) not in (5, 6)
    ):
        return None
    try:
        wheel, metadata = (archive.read(name).decode("utf-8") for name in wanted[:2])
        points = (
            archive.read(f"{info}/entry_points.txt").decode("utf-8")
            if (f"{info}/entry_points.txt" in names)
            else ""
        )
    except UnicodeDecodeError:
        return None
    found = _header(metadata, "Name"), _header(metadata, "Version")
    if (
        _header(wheel, "Wheel-Version") != "1.0"
        or canonicalize_name(found[0]) != canonicalize_name(stated[0])
        or found[1] != stated[1]
        or info != f"{info.partition('-')[0]}-{stated[1]}.dist-info"
        or canonicalize_name(info.partition("-")[0]) != canonicalize_name(stated[0])
        or not _usual_points(points)
    ):
        return None
    record = Record(wanted[2], archive.read(wanted[2]), strict=True)
    return _Head(canonicalize_name(stated[0]), stated[1], info, record, tuple(points_of(points)))


def _header(text: str, name: str) -> str:
    """The header of that name, ``""`` where there is not exactly one, in one line."""
    lines = text.split("\n\n", 1)[0].splitlines()
    found = [at for at, line in enumerate(lines) if line.partition(":")[0].casefold() == name.casefold()]
    if len(found) != 1 or (found[0] + 1 < len(lines) and lines[found[0] + 1][:1] in (" ", "\t")):
        return ""
    return lines[found[0]].partition(":")[2].strip()


def _usual_points(text: str) -> bool:
    """Whether every reader of ``entry_points.txt`` finds the same launchers in it, and uv refuses none."""
    if _ODD_BREAK.search(text):
        return False
    for line in text.splitlines():
        stated = line.strip()
        if stated and not stated.startswith(("[", "#", ";")) and (line[0].isspace() or "=" not in stated):
            return False
    return all(
        _POINT.match(f"{name}={reference}") and not _RESERVED.match(name)
        for name, reference in points_of(text).items()
    )


def _write(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], head: _Head, site: Path) -> Unpacked:
    left_out = {f"{head.dist_info}/{name}" for name in INSTALLER_FILES}
    there: dict[str, tuple[str, str]] = {}
    made: set[str] = set()
    binary = scripts = modules = False
    for entry in entries:
        name = entry.filename
        folder = name.rpartition("/")[0]
        if "__pycache__" in folder.split("/") or name in left_out:
            continue
        if folder not in made:
            os.makedirs(f"{site}/{folder}", exist_ok=True)  # noqa: PTH103 - of thousands
            made.add(folder)
        if entry.is_dir():
            continue
        executable = bool(entry.external_attr >> 16 & 0o111)
        start, digest, size = _create(f"{site}/{name}", archive.open(entry), 0o755 if executable else 0o644)
        if size != entry.file_size:
            raise zipfile.BadZipFile(f"{name} is {size} bytes long, not {entry.file_size}")
        if name in head.record:
            there[name] = digest, str(entry.file_size)
        binary = binary or start in _BINARY
        scripts = scripts or (executable and start[:2] == b"#!")
        modules = modules or name.endswith(".py")
    record = head.record.path
    lines = [(name, *there[name]) for name in head.record.files() if name in there and name != record]
    write_record(site / record, [*lines, *launcher_lines(head.points), (record, "", "")])
    return Unpacked(head.name, head.version, binary, scripts, modules)


def _create(path: str, stream: IO[bytes], mode: int) -> tuple[bytes, str, int]:
    """Write a new file; return its first four bytes, its digest as RECORD has it, and its size."""
    digest = hashlib.sha256()
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with stream, open(descriptor, "wb", buffering=_BLOCK) as file:  # noqa: PTH123 - of a descriptor
        os.fchmod(descriptor, mode)  # whatever the umask
        start = block = stream.read(_BLOCK)
        while block:
            digest.update(block)
            size += len(block)
            file.write(block)
            block = stream.read(_BLOCK)
    return start[:4], hash_field("sha256", digest.digest()), size
