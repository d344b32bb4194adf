"""Environments made of symlinks: several trees merged into one without copying."""

from __future__ import annotations

import filecmp
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from uvlock2nix.dist.installed import Installed, chosen, installed
from uvlock2nix.dist.launchers import is_interpreter
from uvlock2nix.errors import InputError
from uvlock2nix.layout import site_packages
from uvlock2nix.names import canonicalize_name
from uvlock2nix.regex import regex
from uvlock2nix.venv.copying import copy_file

LOCK: Final = "the lock"
PROJECT: Final = "the project"
NIXPKGS: Final = "nixpkgs"
# A copy of this size costs no more than what leads to it.
_LARGE: Final = 1 << 20
_STORE_HASH: Final = regex(r"\A[0-9a-z]{32}-")


@dataclass(frozen=True, slots=True)
class Owner:
    """A package and its origin."""

    name: str
    origin: str

    def __str__(self) -> str:
        return f"{self.name} (from {self.origin})"


@dataclass(frozen=True, slots=True)
class Clash:
    """A conflict between two packages: a file, a program (``bin/x``), a module."""

    what: str
    kept: Owner
    left_out: Owner

    def __str__(self) -> str:
        return f"{self.what}: in {self.kept} and in {self.left_out}; kept: {self.kept.name}"


@dataclass(slots=True)
class Clashes:
    """Decides and collects clashes. ``keep``: path, or a folder above it → the package that wins the path."""

    keep: Mapping[str, str] = field(default_factory=dict)
    found: list[Clash] = field(default_factory=list)

    def wins(self, path: str, there: Owner, new: Owner) -> bool:
        """Whether ``new`` replaces ``there``: only if the user has chosen it."""
        name = chosen(path, self.keep)
        replaced = name is not None and canonicalize_name(name) == canonicalize_name(new.name)
        kept, left_out = (new, there) if replaced else (there, new)
        self.found.append(Clash(path, kept, left_out))
        return replaced


def show_whole(source: Path, target: Path) -> None:
    """Make ``target``, where nothing is, a link to ``source``."""
    target.symlink_to(source)


def show_through(source: Path, target: Path, largest: float = _LARGE) -> None:
    """Make ``target``, where nothing is, the same links that ``source`` is made of, and copies of its files.

    Only a file of the size ``largest``, which an environment of links rarely has, becomes a link to
    ``source``.
    """
    if source.is_symlink():
        target.symlink_to(path_behind(source))
    elif source.is_dir():
        target.mkdir()
        for entry in sorted(source.iterdir()):
            show_through(entry, target / entry.name, largest)
    elif source.stat().st_size < largest:
        copy_file(source, target)
    else:
        target.symlink_to(source)


def show_copied(source: Path, target: Path) -> None:
    """Make ``target`` what :func:`show_through` makes of ``source``, which will not stay: no link to it."""
    show_through(source, target, math.inf)


def path_behind(path: Path) -> Path:
    """Where ``path`` leads that is an absolute link, or is in a folder that is one; else ``path``."""
    folder = path.parent.readlink() if path.parent.is_symlink() else path.parent
    path = folder / path.name if folder.is_absolute() else path
    behind = path.readlink() if path.is_symlink() else path
    return behind if behind.is_absolute() else path


def link_into(
    source: Path,
    target: Path,
    replaces: Callable[[Path, Path], bool] = lambda source, target: False,
    *,
    show: Callable[[Path, Path], None] = show_whole,
) -> None:
    """Link ``source`` at ``target``: as a symlink if nothing is there, merged if both are folders.

    Existing files are kept, unless ``replaces`` (called on conflicts) decides otherwise. ``show``
    makes the link.
    """
    if not target.exists() and not target.is_symlink():
        show(source, target)
    elif source.is_dir() and target.is_dir():
        if target.is_symlink():
            open_up(target)
        for entry in sorted(source.iterdir()):
            if entry.name != "__pycache__":
                link_into(entry, target / entry.name, replaces, show=show)
    elif replaces(source, target):
        target.unlink()
        target.symlink_to(source)


def open_up(link: Path) -> None:
    """Replace a symlink to a folder with a folder of symlinks, so that files can be added."""
    folder = link.resolve()
    link.unlink()
    link.mkdir()
    for entry in sorted(folder.iterdir()):
        (link / entry.name).symlink_to(entry)


def link_packages(
    packages: tuple[Path, ...], root: Path, version: str, clashes: Clashes | None = None
) -> None:
    """Link installed packages (store paths of nixpkgs) into the environment ``root``.

    Raises:
        InputError: a distribution occurs twice: some imports would get one, some the other.
    """
    if not packages:
        return
    clashes = clashes if clashes is not None else Clashes()
    site = root / site_packages(version)
    own = installed(site)
    there = {one.name: "the lock" for one in own}
    owners = _owners(own, LOCK)
    for package in packages:
        source = package / site_packages(version)
        if not source.is_dir():
            continue  # a program without modules
        new = installed(source)
        for one in new:
            if one.name in there:
                raise InputError(
                    f"{one.name} is in the environment twice: from {there[one.name]} and from {package}",
                    hint="the nixpkgs in use propagates other packages than those it was generated for: run "
                    "`uvlock2nix index update` and `uvlock2nix generate`, or take it from the lock with "
                    "`deny` under [tool.uvlock2nix.nixpkgs]",
                )
            there[one.name] = str(package)
        _link_package(source, site, new, owners, clashes)


def owner_of(package: Path, distributions: Iterable[Installed]) -> Owner:
    """The owner of the files of a nixpkgs package: its (first) distribution, else the derivation's name."""
    name = next((one.name for one in distributions), _STORE_HASH.sub("", package.name))
    return Owner(name, NIXPKGS)


def _owners(distributions: Iterable[Installed], origin: str) -> dict[str, Owner]:
    """Path below site-packages → the package that its RECORD belongs to."""
    return {entry.path: Owner(one.name, origin) for one in distributions for entry in one.entries}


def _link_package(
    source: Path, site: Path, new: tuple[Installed, ...], owners: dict[str, Owner], clashes: Clashes
) -> None:
    owner = owner_of(source.parents[2], new)
    modules = _modules(site)
    entries = [entry for entry in sorted(source.iterdir()) if entry.name != "__pycache__"]
    for entry in entries:
        _hidden(entry, site, modules, owner, owners, clashes)

    def replaces(path: Path, target: Path) -> bool:
        if path.is_file() and target.is_file() and filecmp.cmp(path, target, shallow=False):
            return False
        place = target.relative_to(site).as_posix()
        # A file cannot replace a folder.
        before = _owner_at(place, owners)
        return clashes.wins(place, before, owner) and not target.is_dir()

    for entry in entries:
        link_into(entry, site / entry.name, replaces)
    for path, whose in _owners(new, NIXPKGS).items():
        owners.setdefault(path, whose)


def _owner_at(path: str, owners: Mapping[str, Owner]) -> Owner:
    if path in owners:
        return owners[path]
    inside = (whose for one, whose in owners.items() if one.startswith(f"{path}/"))
    return next(inside, Owner("another package", NIXPKGS))


def _module(entry: Path) -> str:
    """The top-level module that a file or folder of site-packages is imported as, or ``""``."""
    if entry.is_dir():
        return entry.name if entry.name.isidentifier() else ""
    stem, _, ending = entry.name.partition(".")
    return stem if ending.rpartition(".")[2] in ("py", "so") and stem.isidentifier() else ""


def _modules(site: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for entry in sorted(site.iterdir()):
        if name := _module(entry):
            found.setdefault(name, []).append(entry)
    return found


def _rank(entry: Path) -> int:
    """The precedence of a module's file: Python imports the lowest."""
    if entry.is_dir():
        return 0 if (entry / "__init__.py").exists() else 3
    return 2 if entry.suffix == ".py" else 1


def _hidden(
    entry: Path,
    site: Path,
    modules: Mapping[str, list[Path]],
    owner: Owner,
    owners: Mapping[str, Owner],
    clashes: Clashes,
) -> None:
    """Record a module that two packages have under different file names: one hides the other."""
    name = _module(entry)
    for other in modules.get(name, ()):
        if other.name != entry.name:
            before = _owner_at(other.relative_to(site).as_posix(), owners)
            first, last = (owner, before) if _rank(entry) < _rank(other) else (before, owner)
            clashes.found.append(Clash(f"module {name}", first, last))


def link_programs(
    packages: tuple[Path, ...],
    bin_dir: Path,
    version: str,
    programs: dict[str, Owner],
    clashes: Clashes,
) -> None:
    """Link the programs of installed packages without a launcher: scripts that are not entry points.

    nixpkgs' programs have their own interpreter and path. ``programs``: name → owner of the program in
    ``bin_dir``; an existing name is kept, unless the user says otherwise.
    """
    for package in packages:
        folder = package / "bin"
        site = package / site_packages(version)
        distributions = installed(site) if site.is_dir() else ()
        owner = owner_of(package, distributions)
        names = {one.name for one in distributions}
        for program in sorted(folder.iterdir()) if folder.is_dir() else ():
            # Hidden programs are run by nixpkgs' wrappers.
            if program.name.startswith(".") or is_interpreter(program.name):
                continue
            target = bin_dir / program.name
            if target.exists() or target.is_symlink():
                there = programs.get(program.name, Owner("another package", LOCK))
                if there.name in names or not clashes.wins(f"bin/{program.name}", there, owner):
                    continue
                target.unlink()
            target.symlink_to(program)
            programs[program.name] = owner
