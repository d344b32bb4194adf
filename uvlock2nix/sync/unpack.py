"""Unpacking an sdist into a folder of which we know the name."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from pathlib import Path

from uvlock2nix.errors import InputError


def unpack(archive: Path, to: Path) -> Path:
    """Unpack a ``.tar.*`` or ``.zip`` sdist below ``to``; return its one top folder.

    Nothing is written outside ``to``, no device or setuid file is made.

    Raises:
        InputError: the archive is damaged, hostile, or has not one top folder.
    """
    to.mkdir(parents=True)
    try:
        if archive.name.endswith(".zip"):
            _unzip(archive, to)
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(to, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise InputError(
            f"{archive.name}: cannot be unpacked: {error}",
            hint="the file is what the lock names; report it to the package's maintainers",
        ) from None
    tops = [entry for entry in to.iterdir() if entry.is_dir() and not entry.is_symlink()]
    if len(tops) != 1:
        raise InputError(
            f"{archive.name}: {len(tops)} folders at its top, an sdist has one",
            hint="https://packaging.python.org/en/latest/specifications/source-distribution-format/",
        )
    return tops[0]


def _unzip(archive: Path, to: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ValueError(f"{info.filename}: a symlink in a zip")
            target = zipped.extract(info, to)
            if info.external_attr >> 16 & stat.S_IXUSR:
                path = Path(target)
                path.chmod(path.stat().st_mode | 0o111)
