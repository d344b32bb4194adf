"""The package of a file: from the RECORDs of both trees, else from neighbouring files."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable
from pathlib import Path

from uvlock2nix.dist.record import is_record, read_record
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name


class Owners:
    """Path relative to the tree → package."""

    def __init__(self, trees: Iterable[tuple[Path, Collection[str]]]) -> None:
        """``trees``: root and the paths below it. An unreadable RECORD counts as empty."""
        self._of: dict[str, str] = {}
        self._sites: set[str] = set()
        self._in: dict[str, str | None] = {}
        for root, paths in trees:
            for path in sorted(path for path in paths if is_record(path)):
                self._add(root, path)
        for file, package in self._of.items():
            folder = posixpath.dirname(file)
            while folder and folder not in self._sites:
                if self._in.setdefault(folder, package) != package:
                    self._in[folder] = None
                folder = posixpath.dirname(folder)

    def _add(self, root: Path, path: str) -> None:
        folder = posixpath.dirname(path)
        self._sites.add(posixpath.dirname(folder))
        try:
            record = read_record(root, path)
        except (InputError, FileNotFoundError):
            self._of.setdefault(path, canonicalize_name(posixpath.basename(folder).partition("-")[0]))
            return
        package = canonicalize_name(record.package)
        self._of[path] = package
        for file in record.files():
            if not file.startswith(("/", "../")):  # a RECORD may list files outside the tree
                self._of.setdefault(file, package)

    def __call__(self, path: str) -> str:
        """The package; if no RECORD lists the file, that of the nearest folder of a single package; or ""."""
        if path in self._of:
            return self._of[path]
        folder = path
        while folder and folder not in self._sites:
            if folder in self._in:
                return self._in[folder] or ""
            folder = posixpath.dirname(folder)
        return ""
