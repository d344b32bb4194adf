"""RECORD files: who owns a file, and lines that are right for what is on disk.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.errors import RefsError

_BLOCK: Final = 1 << 20
_PLAIN: Final = frozenset({"sha256", "sha384", "sha512", "sha224", "sha1", "md5", "blake2b", "blake2s"})


def is_record(path: str) -> bool:
    """Whether ``path`` is the RECORD of an installed package."""
    return path.endswith(".dist-info/RECORD")


def package_of_record(path: str) -> str:
    """``…/numpy-2.1.0.dist-info/RECORD`` → ``numpy``."""
    return posixpath.basename(posixpath.dirname(path)).removesuffix(".dist-info").rsplit("-", 1)[0]


class Record:
    """One RECORD; ``path`` relative to the tree. Lines that are not asked for keep their bytes."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.package = package_of_record(path)
        self._site = posixpath.dirname(posixpath.dirname(path))
        try:
            text = content.decode("utf-8", "surrogateescape")
            # Only line ends are line ends: str.splitlines would also cut names with a form feed or U+2028.
            self._lines = list(io.StringIO(text, newline=""))
            self._rows = self._parse()
        except csv.Error as error:
            raise RefsError(f"{path}: not a RECORD: {error}") from error

    def _parse(self) -> dict[str, tuple[int, int, list[str]]]:
        """File → (first line, line after the last one, fields)."""
        rows: dict[str, tuple[int, int, list[str]]] = {}
        reader = csv.reader(self._lines)
        before = 0
        for row in reader:
            if row:
                name = posixpath.normpath(posixpath.join(self._site, row[0]))
                rows[name] = (before, reader.line_num, row)
            before = reader.line_num
        return rows

    def __contains__(self, file: str) -> bool:
        return file in self._rows

    def files(self) -> Iterable[str]:
        """Files that the package owns, relative to the tree."""
        return self._rows.keys()

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
            digest, size = file_digest(place, algorithm if algorithm in _PLAIN else "sha256")
            fields = [row[0], digest, str(size) if row[2] else "", *row[3:]]
            if fields == row:
                continue
            lines[first:last] = [
                _new_line("".join(lines[first:last]), row, fields),
                *[""] * (last - first - 1),
            ]
            touched = True
        return "".join(lines).encode("utf-8", "surrogateescape") if touched else None


def _new_line(line: str, row: list[str], fields: list[str]) -> str:
    """``line`` with other fields; the path keeps its own way of being written."""
    before, found, after = line.rpartition(f",{row[1]},{row[2]}")
    if found and not after.strip("\r\n"):
        return f"{before},{fields[1]},{fields[2]}{after}"
    return _csv_line(fields) + line[len(line.rstrip("\r\n")) :]


def _csv_line(fields: list[str]) -> str:
    return ",".join(
        '"' + field.replace('"', '""') + '"' if any(char in field for char in ',"\r\n') else field
        for field in fields
    )


def file_digest(file: Path, algorithm: str) -> tuple[str, int]:
    """(``algorithm=<urlsafe base64 without padding>``, size) of a file, read in blocks."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    size = 0
    with file.open("rb", buffering=0) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return f"{algorithm}={base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()}", size


def read_records(tree: Path, paths: Iterable[str]) -> tuple[Record, ...]:
    """The RECORDs at ``paths`` of ``tree``; :class:`RefsError` when one cannot be read."""
    found: list[Record] = []
    for path in sorted(paths):
        try:
            found.append(Record(path, (tree / path).read_bytes()))
        except OSError as error:
            raise RefsError(f"{tree / path}: the RECORD cannot be read: {error.strerror}") from error
    return tuple(found)


def owner(records: Iterable[Record], file: str) -> str:
    """The package whose RECORD lists ``file``, or whose metadata it is; "" when none does."""
    for record in records:
        if file in record or file.startswith(posixpath.dirname(record.path) + "/"):
            return record.package
    return ""
