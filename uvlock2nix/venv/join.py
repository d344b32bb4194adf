"""env in mode `files`: packages, each in its own store path, joined by symlinks.

A folder of a single package is a symlink; a folder of several packages is a folder of symlinks. Only what has
to differ is copied: RECORDs of packages with programs, and compiled files that need another package's
library.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.dist.entry_points import entry_points, launcher_lines
from uvlock2nix.dist.installed import Collision, Installed, collisions, installed, rewrite, shown, winner
from uvlock2nix.errors import InputError
from uvlock2nix.layout import SCRIPTS, SUPPORT, site_packages
from uvlock2nix.printable import printable
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.venv.copying import copy_file
from uvlock2nix.venv.own_manifest import write
from uvlock2nix.venv.symlinks import open_up

_UP: Final = "../../../"
_KEPT: Final = f"{_UP}{SCRIPTS}/"
_BIN: Final = f"{_UP}bin/"
# Created for each environment.
_OWN: Final = frozenset(["bin", "pyvenv.cfg", SUPPORT.split("/", maxsplit=1)[0]])


@dataclass(frozen=True, slots=True)
class Joined:
    """A package: its store path and its distribution there."""

    path: Path
    one: Installed


@dataclass(frozen=True, slots=True)
class Decided:
    """A path of several packages, and the package whose file is kept."""

    collision: Collision
    kept: str

    def __str__(self) -> str:
        one = self.collision
        return f"{shown(one.path)}: shipped by {', '.join(one.owners)}; kept: {self.kept}"


def join(
    packages: Sequence[Path], root: Path, version: str, keep: Mapping[str, str], *, system: str
) -> tuple[Decided, ...]:
    """Make ``root`` the tree of all ``packages``, with a manifest; return what collided.

    ``version`` is the minor version of the interpreter, ``system`` Nix's name of the system.

    As in mode `sync`, the last in the given order wins, unless ``keep`` (path → package) decides otherwise.

    Raises:
        InputError: a package occurs twice, a package in ``keep`` does not have the path, or a path is a file
            in one package and a folder in the other.
    """
    joined = _read(packages, version)
    order = [one.one.name for one in joined]
    found = [*_files(joined), *_programs(joined)]
    decided = tuple(Decided(one, winner(one, order, keep)) for one in found)
    winners = {one.collision.path: one.kept for one in decided}
    site = root / site_packages(version)
    site.mkdir(parents=True)
    for one in joined:
        linker = _Linker(one.one.name, site, winners)
        for entry in sorted(one.path.iterdir()):
            if entry.name not in _OWN:
                linker.link(entry, root / entry.name)
        _scripts(one, root, winners)
    losers = {name for one in decided for name in one.collision.owners if name != one.kept}
    for one in joined:
        if one.one.name in losers or _scripts_of(one.one) or not _names_launchers(one.one):
            own_record(site, one.one.dist_info.name)
    for mine in installed(site):
        if mine.name in losers:
            rewrite(mine, site, {})
    _write_manifest(root, joined, decided, version, system)
    return decided


def own_record(site: Path, dist_info: str) -> Path:
    """Give a distribution of the environment a writable RECORD; return its dist-info."""
    place = site / dist_info
    if place.is_symlink():
        open_up(place)
    record = place / "RECORD"
    if record.is_symlink():
        copy_file(record.resolve(), record)
    return place


def _read(packages: Sequence[Path], version: str) -> tuple[Joined, ...]:
    found: dict[str, Joined] = {}
    for path in packages:
        for one in installed(path / site_packages(version)):
            if one.name in found:
                raise InputError(
                    f"{one.name} occurs twice: {found[one.name].path} and {path}",
                    hint="pass each package once",
                )
            found[one.name] = Joined(path, one)
    return tuple(found[name] for name in sorted(found))


def _names_launchers(one: Installed) -> bool:
    """Whether the RECORD in the package's own store path is right in every environment."""
    there = {entry.path for entry in one.entries}
    return all(path in there for path, _, _ in launcher_lines(entry_points(one)))


def _files(joined: Iterable[Joined]) -> Iterable[Collision]:
    found = collisions(one.one for one in joined)
    return (one for one in found if not one.path.startswith((_KEPT, _BIN)))


def _programs(joined: Iterable[Joined]) -> Iterable[Collision]:
    """Names in ``bin`` that several packages have: launchers of entry points, and scripts."""
    owners: dict[str, dict[str, str]] = {}
    for one in joined:
        programs = {
            name: f"launcher {point.partition('[')[0].strip()}"
            for name, point in entry_points(one.one).items()
        }
        programs |= {name: digest for name, digest in _scripts_of(one.one).items() if name not in programs}
        for name, what in programs.items():
            owners.setdefault(name, {})[one.one.name] = what
    for name, by_owner in sorted(owners.items()):
        if len(by_owner) > 1 and len(set(by_owner.values())) > 1:
            yield Collision(f"{_BIN}{name}", tuple(sorted(by_owner)))


def _scripts_of(one: Installed) -> dict[str, str]:
    """Name → hash of the scripts that a distribution ships."""
    return {
        entry.path.removeprefix(_KEPT): entry.hash for entry in one.entries if entry.path.startswith(_KEPT)
    }


@dataclass(frozen=True, slots=True)
class _Linker:
    """Links a package into the environment; ``winners``: recorded path → the package that wins."""

    name: str
    site: Path
    winners: Mapping[str, str]

    def link(self, source: Path, target: Path) -> None:
        """Link ``source`` at ``target``: as a symlink if nothing is there, merged if both are folders.

        Raises:
            InputError: a single one is a folder; uv refuses such packages, too.
        """
        if not target.is_symlink() and not target.exists():
            target.symlink_to(source)
        elif source.is_dir() and target.is_dir():
            if target.is_symlink():
                open_up(target)
            for entry in sorted(source.iterdir()):
                self.link(entry, target / entry.name)
        elif source.is_dir() or target.is_dir():
            path = printable(posixpath.relpath(target.as_posix(), self.site.as_posix()), 200)
            kind, other = ("folder", "file") if source.is_dir() else ("file", "folder")
            raise InputError(
                f"{path} is a {kind} in {self.name} and a {other} in a different package",
                hint="uv refuses them too: remove one of the two packages from the project",
            )
        elif self._wins(target):
            target.unlink()
            target.symlink_to(source)

    def _wins(self, target: Path) -> bool:
        path = posixpath.relpath(target.as_posix(), self.site.as_posix())
        folder, name = posixpath.split(path)
        if posixpath.basename(folder) == "__pycache__":
            # Bytecode follows its source, because it is not checked against it.
            path = posixpath.join(posixpath.dirname(folder), f"{name.partition('.')[0]}.py")
        return self.winners.get(path) == self.name


def _scripts(one: Joined, root: Path, winners: Mapping[str, str]) -> None:
    for name in _scripts_of(one.one):
        target = root / SCRIPTS / name
        if winners.get(f"{_BIN}{name}", one.one.name) == one.one.name:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(one.path / SCRIPTS / name)


def _write_manifest(
    root: Path, joined: Sequence[Joined], decided: Sequence[Decided], version: str, system: str
) -> None:
    packages: list[object] = []
    for one in joined:
        listed = read_manifest(one.path).get("packages")
        packages += listed if isinstance(listed, list) else []
    write(
        root,
        {
            "schema": 1,
            "joined": True,
            "python": version,
            "system": system,
            "packages": packages,
            "collisions": [
                {"path": one.collision.path, "packages": list(one.collision.owners), "kept": one.kept}
                for one in sorted(decided, key=lambda one: one.collision.path)
            ],
        },
    )
