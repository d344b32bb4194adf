"""Temporary folders that do not stay after a kill: the user's next run removes them."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.regex import regex

_PREFIX: Final = "uvlock2nix-run-"
# As named by mkdtemp; no other folder has such a name by accident.
_OURS: Final = regex(rf"{_PREFIX}[a-z0-9_]{{8}}\Z")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new private folder, with its resolved path; it is removed at the end of the block.

    Folders that killed runs of this user left are removed first: a folder in use is locked. InputError if
    none can be created.
    """
    import shutil
    import tempfile  # slow to import, and not always needed

    try:
        base = Path(tempfile.gettempdir())
        _sweep(base)
        folder, held = _made(base)
    except OSError as error:
        raise InputError(
            f"cannot create a temporary folder: {error.strerror}",
            hint="is the disk full? TMPDIR selects a different folder",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _made(base: Path) -> tuple[Path, int]:
    """A new folder, and the descriptor that locks it."""
    import tempfile

    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base)).resolve()
        try:
            held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        except FileNotFoundError:
            continue  # a cleaning run removed it just before the lock
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held).st_nlink:
            return folder, held
        os.close(held)


def _sweep(base: Path) -> None:
    with suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            if _OURS.match(entry.name):
                with suppress(OSError):
                    _remove_unheld(Path(entry.path))


def _remove_unheld(folder: Path) -> None:
    """Remove a folder of this user that no run has locked. Raises OSError if one has."""
    import shutil

    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        facts = os.fstat(fd)
        if facts.st_uid == os.geteuid() and stat.S_IMODE(facts.st_mode) == 0o700:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(fd)
