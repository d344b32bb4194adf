"""The distributions of a site-packages folder: what each installed, and the paths that several of them ship.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import os
import posixpath
import stat
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.dist.record import digest_of, read_record, write_record
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.regex import regex

_SHA256: Final = regex(r"sha256=[0-9A-Za-z_-]{43}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a RECORD: ``path`` relative to site-packages, normalised, such as ``../../../bin/x``."""

    path: str
    hash: str
    size: str


@dataclass(frozen=True, slots=True)
class Installed:
    """One ``.dist-info``: the distribution's normalised name, its version, its RECORD.

    ``outside`` are recorded paths that leave the environment: they are never read, moved or kept.
    """

    name: str
    version: str
    dist_info: Path
    entries: tuple[Entry, ...]
    outside: tuple[str, ...] = ()


def same_version(one: str, other: str) -> bool:
    """Whether two versions are equal, as ``1.0`` and ``1`` are; invalid versions are compared as text."""
    from packaging.version import InvalidVersion, Version  # slow to import, and rarely needed

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def installed(site: Path) -> tuple[Installed, ...]:
    """All distributions below a site-packages folder, sorted by the name of their ``.dist-info``.

    ``site`` is ``lib/pythonX.Y/site-packages`` of an environment, or a folder made by ``--target``.

    Raises:
        InputError: a RECORD is invalid; a distribution without one has no entries.
    """
    depth = 3 if site.name == "site-packages" else 0
    return tuple(_read(path, depth) for path in sorted(site.glob("*.dist-info")) if path.is_dir())


def _read(dist_info: Path, depth: int) -> Installed:
    name, _, version = dist_info.name.removesuffix(".dist-info").partition("-")
    try:
        record = read_record(dist_info.parent, f"{dist_info.name}/RECORD", strict=True)
    except FileNotFoundError:
        # The specification allows this. Some packages of nixpkgs have no RECORD; uv always writes one.
        return Installed(canonicalize_name(name), version, dist_info, ())
    entries: list[Entry] = []
    outside: list[str] = []
    for path, digest, size in record.rows():
        if _leaves(path, depth):
            outside.append(path)
        else:
            entries.append(Entry(path, digest, size))
    return Installed(canonicalize_name(name), version, dist_info, tuple(entries), tuple(outside))


def _leaves(path: str, depth: int) -> bool:
    """Whether a normalised path leaves the environment, whose root is ``depth`` folders up."""
    if path[0] not in "./":
        return "\0" in path
    up = 0
    for part in path.split("/"):
        if part != "..":
            break
        up += 1
    return path.startswith("/") or up > depth or "\0" in path


@dataclass(frozen=True, slots=True)
class Collision:
    """A path that several distributions ship with different bytes; ``owners`` sorted by name."""

    path: str
    owners: tuple[str, ...]


def collisions(distributions: Iterable[Installed]) -> tuple[Collision, ...]:
    """The paths that two or more distributions record with different hashes, or without a hash.

    Files that the installer and this project rewrite (``__pycache__``) do not count.
    """
    owners: dict[str, dict[str, set[str]]] = {}
    for one in distributions:
        for entry in one.entries:
            if "__pycache__" not in entry.path.split("/"):
                owners.setdefault(entry.path, {}).setdefault(entry.hash, set()).add(one.name)
    found = [
        Collision(path, tuple(sorted(set().union(*by_hash.values()))))
        for path, by_hash in owners.items()
        if len(by_hash) > 1 or "" in by_hash
    ]
    return tuple(sorted((one for one in found if len(one.owners) > 1), key=lambda one: one.path))


def case_collisions(distributions: Iterable[Installed]) -> tuple[tuple[str, ...], ...]:
    """Recorded paths that differ only in case or Unicode normalisation, in sorted groups.

    macOS may keep only one of each group: https://developer.apple.com/support/apple-file-system/
    """
    found: dict[str, set[str]] = {}
    for one in distributions:
        for entry in one.entries:
            if not entry.path.isascii() or not entry.path.islower():
                same = unicodedata.normalize("NFD", unicodedata.normalize("NFD", entry.path).casefold())
            else:
                same = entry.path
            found.setdefault(same, set()).add(entry.path)
    return tuple(sorted(tuple(sorted(paths)) for paths in found.values() if len(paths) > 1))


def chosen(path: str, choice: Mapping[str, str]) -> str | None:
    """The package that wins ``path`` by ``[tool.uvlock2nix.collisions]``: set for the path or its nearest
    folder.

    The name is as the user wrote it; None if nothing is set.
    """
    while path:
        if path in choice:
            return choice[path]
        path = path.rpartition("/")[0]
    return None


def shown(path: str) -> str:
    """A recorded path for people: relative to site-packages, or to the environment (``bin/x``)."""
    return path.removeprefix("../../../")


def winner(one: Collision, order: Sequence[str], choice: Mapping[str, str]) -> str:
    """The package that wins a path: the package that the user chose, else the last one in ``order``.

    Raises:
        InputError: the chosen package does not ship the path.
    """
    name = chosen(shown(one.path), choice)
    if name is None:
        return max(one.owners, key=order.index)
    winner = canonicalize_name(name)
    if winner not in one.owners:
        raise InputError(
            f"[tool.uvlock2nix.collisions]: `{name}` does not ship {shown(one.path)}",
            hint=f"the packages that do: {', '.join(one.owners)}",
        )
    return winner


def rewrite(
    one: Installed, site: Path, moved: Mapping[str, str], altered: Collection[str] | None = None
) -> None:
    """Rewrite the RECORD of ``one`` from the files on disk, without missing files.

    ``moved`` maps a recorded path to its new path. ``altered``: recorded paths whose files have changed; then
    only these are hashed, and files of a different size or without a SHA-256. Lines are sorted by path.
    """
    if not (one.entries or one.outside):
        return
    record = posixpath.join(one.dist_info.name, "RECORD")
    lines: list[tuple[str, str, str]] = []
    for entry in one.entries:
        path = moved.get(entry.path, entry.path)
        if path == record:
            continue
        file = f"{site}/{path}"
        try:
            status = os.stat(file)  # noqa: PTH116 - faster for thousands of files
        except (OSError, ValueError):
            continue  # missing, or a name that no file can have
        if not stat.S_ISREG(status.st_mode):
            continue
        digest, size = entry.hash, status.st_size
        if altered is None or entry.path in altered or entry.size != str(size) or not _SHA256.match(digest):
            digest, size = digest_of(site / path)
        lines.append((path, digest, str(size)))
    lines.append((record, "", ""))
    write_record(one.dist_info / "RECORD", lines)
