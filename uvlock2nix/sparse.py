"""Sparse files: only their data is read and copied, never their holes.

A hole can have any size and takes no space on disk: reading it byte by byte would take hours, and copying it
as zeros would fill the disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Final

_COPIED: Final = 1 << 20


def filled(descriptor: int) -> Iterator[tuple[int, int]]:
    """Start and end of each part of an open file that is not a hole; all of it if the system cannot tell.

    https://man7.org/linux/man-pages/man2/lseek.2.html. Raises OSError.
    """
    at, size = 0, os.fstat(descriptor).st_size
    while at < size:
        try:
            begin = os.lseek(descriptor, at, os.SEEK_DATA)
            end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # only a hole up to the end
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
            begin, end = at, size
        yield begin, min(end, size)
        at = end


def copy_parts(given: int, made: int) -> None:
    """Copy the data and the holes of an open file to a different one, which is empty. Raises OSError."""
    os.truncate(made, os.fstat(given).st_size)
    for begin, end in filled(given):
        at = begin
        while at < end and (data := os.pread(given, min(_COPIED, end - at), at)):
            at += os.pwrite(made, data, at)
