"""Reading files that somebody else put there: never more than a bound, never anything but a regular file.

A FIFO would block for ever, a device never end, a sparse file fill the memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class OddFileError(OSError):
    """It is not a regular file, or larger than the bound; ``strerror`` says which."""


@contextmanager
def open_regular(path: Path) -> Iterator[IO[bytes]]:
    """The file open for reading, links followed.

    Raises:
        OSError: it cannot be opened; OddFileError for a FIFO, device or folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OddFileError(0, f"it is {_kind(mode)}, not a file", os.fspath(path))
        yield file


def read_regular(path: Path, limit: int) -> bytes:
    """What is in a file. Raises OSError; OddFileError where it is no file, or larger than ``limit`` bytes."""
    with open_regular(path) as file:
        data = b"" if os.fstat(file.fileno()).st_size > limit else file.read(limit + 1)
        if len(data) > limit or (not data and os.fstat(file.fileno()).st_size > limit):
            raise OddFileError(0, f"it is larger than {_size(limit)}", os.fspath(path))
    return data


def _size(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"


def _kind(mode: int) -> str:
    for check, name in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if check(mode):
            return name
    return "a device"
