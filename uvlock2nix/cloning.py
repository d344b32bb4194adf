"""Copies that share their data with the original, if the file system supports it (Btrfs, XFS)."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvlock2nix.sparse import copy_parts
from uvlock2nix.writing import write_all

if TYPE_CHECKING:
    from collections.abc import Iterator

# https://man7.org/linux/man-pages/man2/ioctl_ficlone.2.html
_FICLONE: Final = 0x40049409
# Up to this size, a file takes one read and one write.
_SMALL: Final = 1 << 18


def copy_content(source: str | Path, target: str | Path, mode: int | None = None) -> None:
    """Copy the content of the file ``source`` to ``target``, and give it the permissions ``mode``.

    Raises OSError.
    """
    with _opened(source, os.O_RDONLY) as given:
        status = os.fstat(given)
        with _opened(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as made:
            if not _cloned(given, made):
                _copy(given, made, status)
            if mode is not None:
                os.fchmod(made, mode)


@contextmanager
def _opened(path: str | Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _copy(given: int, made: int, status: os.stat_result) -> None:
    if status.st_blocks * 512 < status.st_size:
        copy_parts(given, made)
    elif status.st_size > _SMALL and sys.platform == "linux":
        at = 0
        while sent := os.sendfile(made, given, at, 1 << 30):
            at += sent
    else:
        while data := os.read(given, _SMALL):
            write_all(made, data)


def _cloned(given: int, made: int) -> bool:
    if sys.platform != "linux":
        return False
    from fcntl import ioctl

    try:
        ioctl(made, _FICLONE, given)
    except OSError:
        return False  # not supported, or source and target are on different file systems
    return True
