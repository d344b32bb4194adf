"""Libraries of other packages in mode `files`, such as nvidia-cublas' for torch.

A wheel refers to them relative to itself (``$ORIGIN/../nvidia/cublas/lib``). The loader takes ``$ORIGIN``
from the path by which a file was opened without following symlinks, but the kernel follows them for ``..``:
so the folders that lead to such a file are real in the environment, and only the file is a symlink. If a
wheel does not have the path, the file is copied and gets a search path.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from uvlock2nix.dist.installed import installed
from uvlock2nix.errors import RefsError
from uvlock2nix.layout import site_packages
from uvlock2nix.refs.elf import read_elf
from uvlock2nix.refs.libraries import DEFAULT_IGNORE, effective_runpath
from uvlock2nix.refs.needs import RestoreOptions
from uvlock2nix.refs.restore import Recorded, restore
from uvlock2nix.refs.scan import open_file
from uvlock2nix.refs.undo import split_runpath
from uvlock2nix.venv.copying import copy_file
from uvlock2nix.venv.join import own_record
from uvlock2nix.venv.single import is_ignored
from uvlock2nix.venv.symlinks import open_up
from uvlock2nix.venv.wants import Want, wants_of


def satisfy(
    packages: Sequence[Path],
    root: Path,
    version: str,
    *,
    libraries: Sequence[str],
    ignore: Sequence[str],
    interpreter: str | None,
) -> tuple[str, ...]:
    """Make every file of ``root`` find the libraries of other packages; return the copied files.

    Raises:
        RefsError: libraries that neither a package nor the folders ``libraries`` have; all are listed.
    """
    wanted: dict[str, list[Want]] = {}
    for package in packages:
        for want in wants_of(package):
            if not is_ignored(want.library, ignore):
                wanted.setdefault(want.file, []).append(want)
    if not wanted:
        return ()
    names = {want.library for wants in wanted.values() for want in wants}
    providers = _providers(root, version, names)
    for folders in providers.values():
        for folder in folders:
            _reach(root / folder)
    copied: list[str] = []
    for file, wants in sorted(wanted.items()):
        _reach((root / file).parent)
        if not all(_says_where(root / file, want.library) for want in wants):
            copy_file((root / file).resolve(), root / file)
            copied.append(file)
    if copied:
        _own_records(root, version, copied)
        search = [str(root / folder) for name in sorted(providers) for folder in providers[name]]
        restore(
            root,
            Recorded({}, None),
            RestoreOptions(
                [*dict.fromkeys(search), *libraries], (*DEFAULT_IGNORE, *ignore), interpreter=interpreter
            ),
        )
    return tuple(copied)


def _providers(root: Path, version: str, names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Library → the folders (below ``root``) of packages that have it."""
    wanted = frozenset(names)
    found: dict[str, dict[str, None]] = {}
    inside = site_packages(version)
    for one in installed(root / inside):
        for entry in one.entries:
            folder, name = posixpath.split(entry.path)
            if name in wanted:
                place = posixpath.normpath(posixpath.join(inside, folder))
                found.setdefault(name, {})[place] = None
    return {name: tuple(folders) for name, folders in found.items()}


def _reach(folder: Path) -> None:
    """Make ``folder`` and its parents in the environment real folders."""
    for part in (*reversed(folder.parents), folder):
        if part.is_symlink() and part.is_dir():
            open_up(part)


def _says_where(file: Path, library: str) -> bool:
    """Whether the search path of a file leads to ``library``, from the file's path in the environment."""
    with open_file(file.resolve()) as descriptor:
        runpath = effective_runpath(read_elf(descriptor).facts)
    for entry in split_runpath(runpath):
        place = entry.replace(b"${ORIGIN}", b"$ORIGIN").replace(b"$ORIGIN", os.fsencode(file.parent))
        if os.path.exists(os.path.join(place, os.fsencode(library))):  # noqa: PTH110, PTH118 - bytes
            return True
    return False


def _own_records(root: Path, version: str, files: Sequence[str]) -> None:
    """Make the RECORDs of the owners of ``files`` writable."""
    site = root / site_packages(version)
    paths = {posixpath.relpath(file, site_packages(version)) for file in files}
    owners = [one for one in installed(site) if any(entry.path in paths for entry in one.entries)]
    if not owners:
        raise RefsError(f"{', '.join(files)}: no package has them in its RECORD")
    for one in owners:
        own_record(site, one.dist_info.name)
