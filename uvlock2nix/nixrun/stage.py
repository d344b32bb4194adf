"""A copy of a project's files in a temporary directory, for Nix to evaluate before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from uvlock2nix.errors import InputError
from uvlock2nix.temporary import temporary_folder


@contextmanager
def staged(files: Mapping[PurePosixPath, Path | str]) -> Iterator[Path]:
    """A directory with ``files`` (relative path → file to copy, or its text); it is removed at the end."""
    with temporary_folder() as folder:
        for name, content in files.items():
            _put(folder / name, content)
        yield folder


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
