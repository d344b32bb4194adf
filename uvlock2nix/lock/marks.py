"""What the quick way leaves in the text of a lock, in the place of what it has read itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from uvlock2nix.dataclass import dataclass, field
from uvlock2nix.lock.model import LockedFile
from uvlock2nix.lock.wire import Table

MARK: Final = "@uvlock2nix read"
"""The key of a package that was read, and the begin of a string that stands for files; a lock that already
has it somewhere is not read this way."""


@dataclass(slots=True)
class Marks:
    """``text`` has marks: the number of one of ``packages``, and the keys of ``files``.

    The packages are as TOML would give them, but for their files, which are values already. ``used`` counts
    the marks that were changed back.
    """

    text: str = ""
    packages: tuple[Table, ...] = ()
    files: Mapping[str, tuple[LockedFile, ...]] = field(default_factory=dict)
    used: int = 0

    @property
    def all_used(self) -> bool:
        """Whether every mark was met where it was put, and nowhere else."""
        return self.used == len(self.packages) + len(self.files)

    def package(self, entry: Table) -> Table:
        """The package that ``entry`` stands for; ``entry`` itself where it has no mark."""
        number = entry.get(MARK)
        if type(number) is not int or not 0 <= number < len(self.packages):
            return entry
        self.used += 1
        return self.packages[number]

    def files_of(self, value: object) -> tuple[LockedFile, ...] | None:
        """The files that were read already, None where ``value`` is something else."""
        if isinstance(value, str) and value in self.files:
            self.used += 1
            return self.files[value]
        return value if isinstance(value, tuple) else None
