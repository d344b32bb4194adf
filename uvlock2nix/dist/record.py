"""RECORD files: the owner of a file, and lines that match the files on disk.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError

# Written by the installer, not by the package (PEP 376, PEP 610, and uv's own).
INSTALLER_FILES: Final = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")

_BLOCK: Final = 1 << 20
_PLAIN: Final = frozenset({"sha256", "sha384", "sha512", "sha224", "sha1", "md5", "blake2b", "blake2s"})


def is_record(path: str) -> bool:
    """Whether ``path`` is the RECORD of an installed package."""
    return path.endswith(".dist-info/RECORD")


def package_of_record(path: str) -> str:
    """``…/numpy-2.1.0.dist-info/RECORD`` → ``numpy``."""
    return posixpath.basename(posixpath.dirname(path)).removesuffix(".dist-info").rsplit("-", 1)[0]


class Record:
    """A RECORD; ``path`` is relative to the tree. Lines without changes keep their bytes.

    Raises:
        InputError: it is invalid. Names need not be UTF-8, unless ``strict``.
    """

    def __init__(self, path: str, content: bytes, *, strict: bool = False) -> None:
        self.path = path
        self.package = package_of_record(path)
        self._site = posixpath.dirname(posixpath.dirname(path))
        try:
            text = content.decode("utf-8", "strict" if strict else "surrogateescape")
            # Not str.splitlines, which would also split names at a form feed or U+2028.
            self._lines = list(io.StringIO(text, newline=""))
            self._rows = self._parse()
        except (csv.Error, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from None

    def _parse(self) -> dict[str, tuple[int, int, list[str]]]:
        """File → (first line, line after the last one, fields)."""
        rows: dict[str, tuple[int, int, list[str]]] = {}
        reader = csv.reader(self._lines)
        before = 0
        for row in reader:
            if row and row[0]:
                rows[_normal(self._site, row[0])] = (before, reader.line_num, row)
            before = reader.line_num
        return rows

    def __contains__(self, file: str) -> bool:
        return file in self._rows

    def files(self) -> Iterable[str]:
        """Files that the package owns, relative to the tree."""
        return self._rows.keys()

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(file relative to the tree, ``algorithm=hash``, size) of each line; the last two may be empty."""
        for name, (_, _, row) in self._rows.items():
            digest, size = [*row, "", ""][1:3]
            yield name, digest, size

    def corrected(self, changed: Mapping[str, Path]) -> bytes | None:
        """The content with hash and size of the files of ``changed`` (tree path → where its new bytes are).

        Rows without a hash stay without one. None when no row changes.
        """
        lines = list(self._lines)
        touched = False
        for file, place in changed.items():
            if file not in self._rows:
                continue
            first, last, row = self._rows[file]
            if len(row) < 3 or not row[1]:
                continue
            algorithm = row[1].split("=", 1)[0]
            digest, size = digest_of(place, algorithm if algorithm in _PLAIN else "sha256")
            fields = [row[0], digest, str(size) if row[2] else "", *row[3:]]
            if fields == row:
                continue
            lines[first:last] = [
                _new_line("".join(lines[first:last]), row, fields),
                *[""] * (last - first - 1),
            ]
            touched = True
        return "".join(lines).encode("utf-8", "surrogateescape") if touched else None


def _normal(site: str, path: str) -> str:
    """The path of a row below ``site``, normalised. Almost every one is: for these, nothing is computed."""
    if "./" in path or "//" in path or path[0] == "/" or path[-1] in "/.":
        return posixpath.normpath(posixpath.join(site, path))
    return f"{site}/{path}" if site else path


def _unreadable(path: str, error: Exception) -> InputError:
    return InputError(
        f"{posixpath.basename(posixpath.dirname(path))}: its RECORD cannot be read: {error}",
        hint="the wheel is damaged; report it to the package's maintainers",
    )


def _new_line(line: str, row: list[str], fields: list[str]) -> str:
    """``line`` with other fields; the path keeps its quoting."""
    before, found, after = line.rpartition(f",{row[1]},{row[2]}")
    if found and not after.strip("\r\n"):
        return f"{before},{fields[1]},{fields[2]}{after}"
    return _csv([fields]).rstrip("\n") + line[len(line.rstrip("\r\n")) :]


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_record(tree: Path, path: str, *, strict: bool = False) -> Record:
    """The RECORD at ``path`` of ``tree``.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it cannot be read.
    """
    try:
        content = (tree / path).read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from None
    return Record(path, content, strict=strict)


def write_record(path: Path, lines: Iterable[tuple[str, str, str]]) -> None:
    """Write a RECORD of (path, ``algorithm=hash``, size), sorted, with Unix line ends."""
    path.write_text(_csv(sorted(set(lines))), encoding="utf-8")


def digest_of(file: Path, algorithm: str = "sha256") -> tuple[str, int]:
    """(``algorithm=<urlsafe base64 without padding>``, size) of a file, read in blocks."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    size = 0
    with file.open("rb", buffering=0) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return hash_field(algorithm, digest.digest()), size


def hash_field(algorithm: str, digest: bytes) -> str:
    """A digest as RECORD has it: ``algorithm=<urlsafe base64 without padding>``."""
    return f"{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def owner(records: Iterable[Record], file: str) -> str:
    """The package whose RECORD lists ``file``, or whose metadata it is; "" if there is none."""
    for record in records:
        if file in record or file.startswith(posixpath.dirname(record.path) + "/"):
            return record.package
    return ""
