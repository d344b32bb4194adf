"""Write changes so that the tree is either changed as planned or unchanged.

Every new file is first written completely into a folder on the tree's own file system; only then are the
files swapped, and any failure while swapping restores the old ones. A run that is killed while swapping
leaves its journal, with which the next run first restores the tree. Files without edits are never opened for
writing: their inode, times and mode are kept.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, assert_never

from uvlock2nix.atomic import hint_of
from uvlock2nix.cloning import copy_content
from uvlock2nix.errors import RefsError
from uvlock2nix.refs.journal import STAGE_PREFIX, Journal, Swap, undo_killed_runs
from uvlock2nix.signals import uninterrupted
from uvlock2nix.writing import write_all


@dataclass(frozen=True, slots=True)
class Patch:
    """Same-length writes into a file: ``(offset, bytes)``."""

    path: str
    writes: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The complete new content of a file."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Relink:
    """A symlink's new target."""

    path: str
    target: bytes


Edit: TypeAlias = Patch | Rewrite | Relink


@contextmanager
def _told(place: Path) -> Iterator[None]:
    """Turn file system errors inside into a :class:`RefsError` that names the file."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename or place}: {error.strerror}; nothing was changed"
        raise RefsError(what, hint=hint_of(error)) from error


class Stage:
    """New versions of a tree's files, which :meth:`commit` swaps in together.

    ``source``: the tree with the current content, if it is not the one to be changed.
    """

    def __init__(self, tree: Path, *, source: Path | None = None) -> None:
        self.tree = tree
        self.source = source or tree
        self._swaps: list[Swap] = []
        self._opened: dict[Path, int] = {}
        self.files: dict[str, Path] = {}
        self._half_changed = False

    def __enter__(self) -> Self:
        with _told(self.tree):
            self._begin()
        return self

    def _begin(self) -> None:
        undo_killed_runs(self.tree)
        self._writable(self.tree)
        self._folder = Path(tempfile.mkdtemp(prefix=STAGE_PREFIX, dir=self.tree))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._half_changed:
            return  # restoring failed: the next run does it, from the journal
        with uninterrupted():
            self._end()

    def _end(self) -> None:
        """Restore the folders' modes, and only then remove the journal."""
        # The tree itself stays writable until the stage's folder is removed from it.
        own = self._opened.pop(self.tree, None)
        for folder, mode in reversed(self._opened.items()):
            with suppress(OSError):
                folder.chmod(mode)
        Journal.forget(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)
        if own is not None:
            with suppress(OSError):
                self.tree.chmod(own)

    def _writable(self, folder: Path) -> None:
        mode = folder.stat().st_mode
        if not mode & stat.S_IWUSR and folder not in self._opened:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
            self._opened[folder] = stat.S_IMODE(mode)

    def add(self, edit: Edit, *, also: tuple[str, ...] = ()) -> Path:
        """Write the new version of a file, and return its path; ``also``: its other hard links."""
        number = len(self._swaps)
        new = self._folder / f"{number}.new"
        with _told(self.source / edit.path):
            self._make(edit, new)
        for index, path in enumerate((edit.path, *also)):
            self._swaps.append(Swap(self.tree / path, new, self._folder / f"{number}-{index}.old"))
            self.files[path] = new
        return new

    def _make(self, edit: Edit, new: Path) -> None:
        before = self.source / edit.path
        match edit:
            case Relink(_, target):
                os.symlink(target, os.fsencode(new))  # noqa: PTH211 - unchanged bytes
            case Rewrite(_, content):
                with new.open("xb", buffering=0) as stream:
                    write_all(stream.fileno(), content)
                self._same_mode(before, new)
            case Patch(_, writes):
                copy_content(before, new)
                with new.open("r+b", buffering=0) as stream:
                    for offset, data in writes:
                        if os.pwrite(stream.fileno(), data, offset) != len(data):
                            raise RefsError(f"{new}: the disk is full")
                self._same_mode(before, new)
            case _:
                assert_never(edit)

    def content(self, path: str) -> bytes:
        """The future content of ``path``: its staged version, else the current one."""
        try:
            return self.files.get(path, self.source / path).read_bytes()
        except OSError as error:
            raise RefsError(f"{self.source / path} cannot be read: {error.strerror}") from error

    def write(self, path: str, content: bytes) -> None:
        """Stage ``content`` for ``path``, which may already be staged, or not exist yet."""
        if path not in self.files and os.path.lexists(self.source / path):
            self.add(Rewrite(path, content))
            return
        with _told(self.tree / path):
            if path not in self.files:
                self._new(path).write_bytes(content)
                return
            staged = self.files[path]
            mode = stat.S_IMODE(staged.stat().st_mode)
            staged.chmod(mode | stat.S_IWUSR)
            staged.write_bytes(content)
            staged.chmod(mode)

    def _new(self, path: str) -> Path:
        number = len(self._swaps)
        new = self._folder / f"{number}.new"
        self._swaps.append(Swap(self.tree / path, new, self._folder / f"{number}.old"))
        self.files[path] = new
        return new

    def _same_mode(self, before: Path, new: Path) -> None:
        mode = stat.S_IMODE(before.lstat().st_mode)
        if self.source != self.tree:
            mode |= stat.S_IWUSR  # like the rest of a new tree
        if mode != stat.S_IMODE(new.stat().st_mode):
            new.chmod(mode)

    def commit(self, renames: tuple[tuple[str, str], ...] = ()) -> None:
        """Swap every staged file in, then rename ``(old, new)`` in this order; all or nothing.

        Signals wait until this is done: only a kill can stop in between, and then there is the journal.
        """
        with uninterrupted(), _told(self.tree):
            journal = Journal.of(self.tree, self._swaps, renames, self._opened)
            journal.write(self._folder)
            try:
                for swap in self._swaps:
                    self._swap(swap)
                for old, new in renames:
                    self._rename(old, new)
            except BaseException:
                self._half_changed = True
                journal.undo(self._folder)
                self._half_changed = False
                raise

    def _rename(self, old: str, new: str) -> None:
        before, after = self.tree / old, self.tree / new
        if before.parent.resolve() != before.parent:
            raise RefsError(f"{old}: a folder of it is a symlink")
        if os.path.lexists(after):
            raise RefsError(f"{after} already exists, so {before} cannot get its name")
        self._writable(before.parent)
        before.rename(after)

    def _swap(self, swap: Swap) -> None:
        self._folders(swap.target.parent)
        self._writable(swap.target.parent)
        fresh = swap.old.with_suffix(".link")
        if swap.new.is_symlink():
            swap.new.rename(fresh)
        else:
            try:
                os.link(swap.new, fresh)  # link each name, so that hard links stay hard links
            except OSError:  # a file system without hard links
                shutil.copy2(swap.new, fresh)
        if os.path.lexists(swap.target):
            swap.target.rename(swap.old)
        fresh.rename(swap.target)

    def _folders(self, folder: Path) -> None:
        if not folder.is_dir():
            self._folders(folder.parent)
            self._writable(folder.parent)
            folder.mkdir()
