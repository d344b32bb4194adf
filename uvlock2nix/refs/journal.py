"""The journal of a stage, with which a tree that a killed run left half-changed is restored.

It exists from before the first file is swapped until after the last: a stage's folder without a journal
belongs to a run that had changed nothing yet, or everything.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.atomic import write_atomic
from uvlock2nix.errors import RefsError

STAGE_PREFIX: Final = ".uvlock2nix-refs-"
NAME: Final = "journal.json"


@dataclass(frozen=True, slots=True)
class Swap:
    """``new`` replaces ``target``, which is kept as ``old``; all are absolute paths."""

    target: Path
    new: Path
    old: Path


@dataclass(frozen=True, slots=True)
class Journal:
    """What a commit is about to do. Paths are relative to the tree, originals to the stage's folder.

    ``swaps``: (target, original, whether the target existed); ``folders``: those that the commit creates,
    deepest first; ``renames``: (old, new); ``modes``: (folder, its mode before the run).
    """

    swaps: tuple[tuple[str, str, bool], ...]
    folders: tuple[str, ...]
    renames: tuple[tuple[str, str], ...]
    modes: tuple[tuple[str, int], ...]

    @classmethod
    def of(
        cls,
        tree: Path,
        swaps: Sequence[Swap],
        renames: Sequence[tuple[str, str]],
        opened: Mapping[Path, int],
    ) -> Journal:
        """The journal of a commit that has not begun; ``opened``: folders made writable, and their modes."""
        modes = {str(folder.relative_to(tree)): mode for folder, mode in opened.items()}
        folders: dict[str, None] = {}
        for parent in {swap.target.parent for swap in swaps} | {(tree / old).parent for old, _ in renames}:
            for folder in (parent, *parent.parents):
                if not folder.is_relative_to(tree):
                    break
                if not folder.is_dir():
                    folders[str(folder.relative_to(tree))] = None
                else:
                    modes.setdefault(str(folder.relative_to(tree)), stat.S_IMODE(folder.stat().st_mode))
        return cls(
            swaps=tuple(
                (str(s.target.relative_to(tree)), s.old.name, os.path.lexists(s.target)) for s in swaps
            ),
            folders=tuple(sorted(folders, key=len, reverse=True)),
            renames=tuple(renames),
            modes=tuple(modes.items()),
        )

    def write(self, folder: Path) -> None:
        """Write it into the stage's folder, completely or not at all."""
        fields = {"swaps": self.swaps, "folders": self.folders, "renames": self.renames, "modes": self.modes}
        # File names may not be text: surrogates are escaped, and restored on reading.
        write_atomic(folder / NAME, json.dumps(fields))

    @staticmethod
    def forget(folder: Path) -> None:
        """Remove the journal: the commit is complete, and nothing is to be undone."""
        (folder / NAME).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> Journal | None:
        """The journal in a stage's folder, or ``None`` if there is none.

        Raises:
            RefsError: it is not one of ours.
        """
        place = folder / NAME
        if not os.path.lexists(place):
            return None
        try:
            if not place.is_file():
                raise _damaged(folder)
            raw = json.loads(place.read_text(encoding="utf-8"))
            journal = cls(
                swaps=tuple((str(t), str(o), bool(was)) for t, o, was in raw["swaps"]),
                folders=tuple(map(str, raw["folders"])),
                renames=tuple((str(a), str(b)) for a, b in raw["renames"]),
                modes=tuple((str(path), int(mode)) for path, mode in raw["modes"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(folder) from error
        if not all(_is_inside(path) for path in journal._paths()):
            raise _damaged(folder)
        return journal

    def _paths(self) -> Iterator[str]:
        for target, old, _ in self.swaps:
            yield target
            yield old
        yield from self.folders
        for pair in self.renames:
            yield from pair
        yield from (path for path, _ in self.modes)

    def undo(self, folder: Path) -> None:
        """Restore the tree around ``folder`` to its state before the commit, wherever that stopped."""
        tree = folder.parent
        for before, after in reversed(self.renames):
            if not os.path.lexists(tree / before) and os.path.lexists(tree / after):
                (tree / after).rename(tree / before)
        for target, old, existed in reversed(self.swaps):
            if os.path.lexists(folder / old):
                (folder / old).replace(tree / target)
            elif not existed:
                (tree / target).unlink(missing_ok=True)
        for created in self.folders:
            with suppress(OSError):
                (tree / created).rmdir()
        for path, mode in self.modes:
            with suppress(OSError):
                (tree / path).chmod(mode)


def undo_killed_runs(tree: Path) -> None:
    """Undo the changes of killed runs in ``tree``, and remove their folders.

    Raises:
        RefsError: a journal is damaged, or the tree cannot be written.
    """
    for folder in sorted(tree.glob(f"{STAGE_PREFIX}*")):
        if folder.is_symlink() or not folder.is_dir():
            # A temporary file of a manifest, which was never renamed.
            folder.unlink(missing_ok=True)
            continue
        journal = Journal.read(folder)
        if journal is not None:
            try:
                journal.undo(folder)
            except OSError as error:
                raise RefsError(
                    f"{error.filename or folder}: {error.strerror}; a killed run could not be undone",
                    hint="check the owner and mode of the tree, then run the command again",
                ) from error
            Journal.forget(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _damaged(folder: Path) -> RefsError:
    return RefsError(
        f"{folder / NAME} is damaged; files *.old next to it are originals of files of the tree",
        hint=f"create the tree again from its source, or delete {folder} to keep the tree as it is",
    )


def _is_inside(path: str) -> bool:
    """Whether a relative path stays inside: a journal may be forged."""
    parts = Path(path).parts
    return not Path(path).is_absolute() and ".." not in parts
