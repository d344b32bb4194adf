"""A copy of a project's files in a temporary directory, for Nix to evaluate before anything is written."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final

from uvlock2nix.errors import InputError

_PREFIX: Final = "uvlock2nix-update-"


@contextmanager
def staged(files: Mapping[PurePosixPath, Path | str]) -> Iterator[Path]:
    """A directory with ``files`` (relative path → file to copy, or its text); it is removed at the end.

    What killed runs of this user left is removed first: a directory is held by a lock while it is in use.
    """
    base = Path(tempfile.gettempdir())
    _sweep(base)
    folder, held = _made(base)
    try:
        for name, content in files.items():
            _put(folder / name, content)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _made(base: Path) -> tuple[Path, int]:
    """A new directory, and the descriptor that holds it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base)).resolve()
        try:
            held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        except FileNotFoundError:
            continue  # a sweeping run took it in the moment before the lock
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held).st_nlink:
            return folder, held
        os.close(held)


def _put(place: Path, content: Path | str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.write_text(content, encoding="utf-8")
        elif content.is_dir():
            shutil.copytree(content, place, symlinks=True)
        else:
            shutil.copyfile(content, place)
    except OSError as error:
        raise InputError(f"cannot copy {content} for Nix to read: {error.strerror}") from error


def _sweep(base: Path) -> None:
    with suppress(OSError):
        for folder in base.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if folder.lstat().st_uid != os.getuid():
                    continue
                fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(fd)
