"""Which parts of a new tree can be links into the tree that it is made from.

A module that resolves the path of its own file (``Path(__file__).resolve()``) ends up in the old tree, and
looks for its neighbours there. So a package is either all links or all copies: if restoring changes any of
its files, or env gives one of its scripts an interpreter, every file of it is copied. Packages that share a
folder at the top of site-packages (namespace packages) are treated as one.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from uvlock2nix.dist.record import is_record, read_record
from uvlock2nix.first_lines import LIMIT, asked
from uvlock2nix.refs.scan import Entry, open_file
from uvlock2nix.refs.stripped import MANIFEST_PLACE

# Belongs to every tree, whatever its packages are.
_OWN: Final = f"{MANIFEST_PLACE.parts[0]}/"


@dataclass(slots=True)
class _Groups:
    """Sets of names that are merged: each name has a parent, the root of a set has itself."""

    parents: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """The root of the set that ``name`` is in."""
        parent = self.parents.setdefault(name, name)
        while parent != self.parents[parent]:
            self.parents[name] = parent = self.parents[self.parents[parent]]
        return parent

    def merge(self, one: str, other: str) -> None:
        """Make the sets of two names one set."""
        self.parents[self.of(one)] = self.of(other)


@dataclass(frozen=True, slots=True)
class _Packages:
    """The packages of a tree.

    ``owners``: file → the metadata folders of its packages. ``sites``: the folders that have packages.
    """

    owners: Mapping[str, tuple[str, ...]]
    sites: tuple[str, ...]
    groups: _Groups

    def groups_of(self, path: str) -> Iterator[str]:
        """The groups that a file of the tree belongs to."""
        yield from (self.groups.of(owner) for owner in self.owners.get(path, ()))
        if top := _top(path, self.sites):
            yield self.groups.of(top)


@dataclass(frozen=True, slots=True)
class Links:
    """What of a tree are links: ``paths`` (files, and folders as a whole); ``sites``: its site-packages."""

    paths: frozenset[str] = frozenset()
    sites: tuple[str, ...] = ()


def links(
    origin: Path,
    entries: Sequence[Entry],
    changed: Collection[str],
    *,
    compiled: Collection[str] = (),
    store_dir: str,
) -> Links:
    """What of ``origin`` a new tree can link to.

    ``changed`` are the files that differ in the new tree, ``compiled`` its ELF files. A folder is a link only
    if it belongs to one package, has no module below it (bytecode is written next to modules) and no ELF file
    (which may look for libraries above its folder). Metadata (``.dist-info``) is always copied.
    """
    packages = _packages(origin, entries)
    differing = {*changed, *_scripts(origin, entries, store_dir)}
    copied = {group for path in differing if not _is_metadata(path) for group in packages.groups_of(path)}
    linked: set[str] = set()
    for entry in entries:
        path = entry.path
        if not entry.is_file or path in differing or path.startswith(_OWN):
            continue
        if not _is_metadata(path) and copied.isdisjoint(packages.groups_of(path)):
            linked.add(path)
    return Links(frozenset(_whole(entries, linked, packages, compiled)), packages.sites)


def _packages(origin: Path, entries: Sequence[Entry]) -> _Packages:
    owners: dict[str, tuple[str, ...]] = {}
    groups = _Groups()
    found = (entry.path for entry in entries if entry.is_file and is_record(entry.path))
    records = [path for path in found if not path.startswith(_OWN)]
    sites = tuple(dict.fromkeys(posixpath.dirname(posixpath.dirname(path)) for path in records))
    for path in records:
        metadata = posixpath.dirname(path)
        for file in read_record(origin, path).files():
            owners[file] = (*owners.get(file, ()), metadata)
            groups.merge(metadata, owners[file][0])
            if top := _top(file, sites):
                groups.merge(metadata, top)
    return _Packages(owners, sites, groups)


def _top(path: str, sites: Collection[str]) -> str:
    """The folder at the top of site-packages that a file is below, or ``""``."""
    for site in sites:
        inside = path.removeprefix(f"{site}/") if site else path
        if (site == "" or inside != path) and "/" in inside:
            return f"{site}/{inside.partition('/')[0]}"
    return ""


def _is_metadata(path: str) -> bool:
    return any(part.endswith(".dist-info") for part in path.split("/")[:-1])


def _scripts(origin: Path, entries: Sequence[Entry], store_dir: str) -> Iterator[str]:
    """The executables whose interpreter may not exist, so that env changes their first line."""
    for entry in entries:
        if entry.is_file and entry.mode & stat.S_IXUSR:
            with open_file(origin / entry.path) as descriptor:
                first = os.pread(descriptor, LIMIT, 0)
            if asked(first, store_dir) is not None:
                yield entry.path


def _whole(
    entries: Sequence[Entry], linked: Collection[str], packages: _Packages, compiled: Collection[str]
) -> Iterator[str]:
    """The files ``linked``, with a folder in place of all that it has, where that is possible."""
    users: dict[str, set[str]] = {}
    for entry in entries:
        if stat.S_ISDIR(entry.mode):
            continue
        simple = entry.path in linked and entry.path not in compiled and not entry.path.endswith(".py")
        owners = packages.owners.get(entry.path, ())
        user = owners[0] if simple and len(owners) == 1 else ""
        folder = entry.path.rpartition("/")[0]
        while folder and not (folder in users and user in users[folder]):
            users.setdefault(folder, set()).add(user)
            folder = folder.rpartition("/")[0]
    folders = {folder for folder, found in users.items() if "" not in found and len(found) == 1}
    for folder in folders:
        if folder.rpartition("/")[0] not in folders:
            yield folder
    for path in linked:
        if path.rpartition("/")[0] not in folders:
            yield path
