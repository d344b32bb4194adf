"""Read untrusted files: never more than a limit, and only regular files.

A FIFO could block for ever, a device never end, a sparse file fill the memory.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOST: Final = 64 << 20


class OddFileError(OSError):
    """Not a regular file, or larger than the limit; ``strerror`` tells which."""


@contextmanager
def open_regular(path: Path) -> Iterator[io.BufferedReader]:
    """Open a file for reading, following symlinks.

    Raises:
        OSError: it cannot be opened; OddFileError for a FIFO, device or folder.
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OddFileError(0, f"it is {_kind(mode)}, not a file", os.fspath(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


def read_regular(path: Path, limit: int = MOST) -> bytes:
    """The content of a file. Raises OSError; OddFileError if not a file, or larger than ``limit`` bytes."""
    with open_regular(path) as file:
        # A file may be longer than its size (in /proc), so read at most one byte over the limit.
        claimed = os.fstat(file.fileno()).st_size
        data = b"" if claimed > limit else file.read(limit + 1)
    if max(claimed, len(data)) > limit:
        size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
        raise OddFileError(0, f"larger than {size}", os.fspath(path))
    return data


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a FIFO" if stat.S_ISFIFO(mode) else "a device"
