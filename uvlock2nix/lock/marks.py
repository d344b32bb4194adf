"""Marks in the text of a lock, in place of the parts that were read quickly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from uvlock2nix.lock.model import LockedFile
from uvlock2nix.lock.wire import Table

MARK: Final = "@uvlock2nix read"
"""The key of a package that was read, and the prefix of a string in place of files.

A lock that already contains it is not read quickly."""


@dataclass(slots=True)
class Marks:
    """``text`` has marks: the number of one of ``packages``, and the keys of ``files``.

    The packages are as parsed from TOML, except for their files, which are already values. ``used`` counts
    the marks that were replaced again.
    """

    text: str = ""
    packages: tuple[Table, ...] = ()
    files: Mapping[str, tuple[LockedFile, ...]] = field(default_factory=dict)
    used: int = 0

    @property
    def all_used(self) -> bool:
        """Whether every mark was found where it was put, and nowhere else."""
        return self.used == len(self.packages) + len(self.files)

    def package(self, entry: Table) -> Table:
        """The package in place of which ``entry`` is a mark; ``entry`` itself if it is not."""
        number = entry.get(MARK)
        if type(number) is not int or not 0 <= number < len(self.packages):
            return entry
        self.used += 1
        return self.packages[number]

    def files_of(self, value: object) -> tuple[LockedFile, ...] | None:
        """The files that were already read; None if ``value`` is not a mark."""
        if isinstance(value, str) and value in self.files:
            self.used += 1
            return self.files[value]
        return value if isinstance(value, tuple) else None
