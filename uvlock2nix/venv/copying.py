"""Copies out of the store, which is read-only."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from uvlock2nix.cloning import copy_content


def copy_writable(source: Path, target: Path, *, leave_out: str = "") -> None:
    """Copy a tree with its symlinks; the copy is writable.

    Existing folders are filled; an existing file or symlink is replaced, never written through. Folders named
    ``leave_out`` are not copied.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        target.unlink()
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            to = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != leave_out:
                    copy_writable(Path(entry.path), to, leave_out=leave_out)
            else:
                copy_file(Path(entry.path), to)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file or symlink; a file is writable and stays executable if it was."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    copy_content(source, target, 0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)


def copy_links(root: Path) -> None:
    """Replace each symlink that leaves the tree ``root`` with a copy, without its bytecode."""
    with os.scandir(root) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            path = Path(entry.path)
            if entry.is_symlink():
                if path.readlink().is_absolute():
                    _copy_link(path)
            elif entry.is_dir(follow_symlinks=False):
                copy_links(path)


def _copy_link(link: Path) -> None:
    source = link.resolve()
    if not source.is_dir():
        copy_file(source, link)
    elif link.name == "__pycache__":
        link.unlink()
    else:
        copy_writable(source, link, leave_out="__pycache__")
