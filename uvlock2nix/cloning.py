"""Copies that share their data with the original, if the file system supports it (Btrfs, XFS)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from uvlock2nix.sparse import copy_sparse, is_sparse

# https://man7.org/linux/man-pages/man2/ioctl_ficlone.2.html
_FICLONE: Final = 0x40049409


def copy_content(source: Path, target: Path) -> None:
    """Copy the content of ``source`` to ``target``. Raises OSError like ``shutil.copyfile``."""
    if sys.platform == "linux" and _cloned(source, target):
        return
    if is_sparse(source):
        copy_sparse(source, target)
    else:
        shutil.copyfile(source, target, follow_symlinks=False)


def _cloned(source: Path, target: Path) -> bool:
    from fcntl import ioctl

    with source.open("rb") as given, target.open("wb") as made:
        try:
            ioctl(made.fileno(), _FICLONE, given.fileno())
        except OSError:
            return False  # not supported, or source and target are on different file systems
        return True
