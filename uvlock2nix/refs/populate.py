"""Create a tree from another, for an env that is not changed in place."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from uvlock2nix.cloning import copy_content
from uvlock2nix.errors import RefsError
from uvlock2nix.refs.scan import Entry, read_link


@contextmanager
def populate(
    source: Path, tree: Path, entries: Sequence[Entry], *, link: bool, changed: Collection[str]
) -> Iterator[None]:
    """Fill ``tree`` with ``entries`` of ``source``, except ``changed``, which the caller then writes.

    Files are copied, or with ``link`` become symlinks into ``source``; RECORDs are always copied. Folders are
    created, symlinks kept. ``tree`` must be empty or absent; everything created is removed if the block
    fails. If both are the same tree, nothing is done.
    """
    if source == tree:
        yield
        return
    existed = tree.is_dir()
    if os.path.lexists(tree) and (not existed or any(tree.iterdir())):
        raise RefsError(f"{tree} exists and is not an empty directory", hint="--from creates a new tree")
    if tree.is_relative_to(source):
        raise RefsError(f"{tree} is inside {source}")
    try:
        tree.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            if entry.path not in changed:
                _make(source, tree, entry, link=link)
        yield
        for entry in reversed(entries):
            if stat.S_ISDIR(entry.status.st_mode):
                (tree / entry.path).chmod(stat.S_IMODE(entry.status.st_mode) | stat.S_IWUSR)
    except BaseException as error:
        for child in tree.iterdir() if tree.is_dir() else ():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        if not existed and tree.is_dir():
            tree.rmdir()
        if isinstance(error, OSError):
            raise RefsError(f"{error.filename or tree}: {error.strerror}") from error
        raise


def _make(source: Path, tree: Path, entry: Entry, *, link: bool) -> None:
    before, after = source / entry.path, tree / entry.path
    if stat.S_ISDIR(entry.status.st_mode):
        after.mkdir()
    elif entry.is_link:
        after.symlink_to(os.fsdecode(read_link(before)))
    elif link and not entry.path.endswith("/RECORD"):
        after.symlink_to(before)
    else:
        copy_content(before, after)
        after.chmod(stat.S_IMODE(entry.status.st_mode) | stat.S_IWUSR)
