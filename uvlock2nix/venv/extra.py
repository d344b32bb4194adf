"""More packages for a finished environment: from nixpkgs, or from environments of other locks."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.dist.installed import Installed, installed, same_version
from uvlock2nix.dist.launchers import is_interpreter
from uvlock2nix.errors import InputError
from uvlock2nix.layout import site_packages
from uvlock2nix.venv.symlinks import LOCK, Clashes, Owner, link_into

EXTRA: Final = "extraPackages"


def add_packages(
    packages: Iterable[Path], out: Path, python: Path, version: str, clashes: Clashes
) -> set[str]:
    """Link ``packages`` into the environment ``out``, without replacing anything; return the new names.

    A package that is already there in the same version is left out. Conflicting paths keep their owner, and
    are reported through ``clashes``.

    Raises:
          InputError: a package already exists in a different version, so that some imports would get one and
          some the other;
            or a path has no package for this Python.
    """
    site = out / site_packages(version)
    there = {one.name: one for one in installed(site)}
    owners = {entry.path: Owner(one.name, LOCK) for one in there.values() for entry in one.entries}
    added: set[str] = set()
    for package in packages:
        # nixpkgs lists the interpreter among the modules that a package requires.
        if python.resolve().is_relative_to(package.resolve()):
            continue
        source = package / site_packages(version)
        if not source.is_dir():
            raise InputError(
                f"{package}: it has no packages for Python {version}",
                hint="extraPackages takes packages of nixpkgs' set for that Python, and environments of it",
            )
        for one in installed(source):
            if _is_there(one, there, package):
                continue
            _link(one, source, site, owners, clashes)
            there[one.name] = one
            added.add(one.name)
    return added


def add_programs(packages: Iterable[Path], bin_dir: Path) -> None:
    """Link the programs of ``packages`` that are not entry points, if the name is free."""
    for package in packages:
        folder = package / "bin"
        for program in sorted(folder.iterdir()) if folder.is_dir() else ():
            target = bin_dir / program.name
            # Hidden programs are run by nixpkgs' wrappers.
            hidden = program.name.startswith(".") or is_interpreter(program.name)
            if not hidden and not target.exists() and not target.is_symlink():
                target.symlink_to(program)


def _is_there(one: Installed, there: Mapping[str, Installed], package: Path) -> bool:
    """Whether a distribution is already there in this version."""
    before = there.get(one.name)
    if before is None:
        return False
    if same_version(one.version, before.version):
        return True
    raise InputError(
        f"{one.name} is in the environment twice: {before.version}, and {one.version} from {package}",
        hint="add it to the lock (`uv add`) instead of extraPackages, so that both agree on one version",
    )


def _link(one: Installed, source: Path, site: Path, owners: dict[str, Owner], clashes: Clashes) -> None:
    """Link the files below site-packages in the RECORD of a distribution."""
    owner = Owner(one.name, EXTRA)

    def replaces(path: Path, target: Path) -> bool:
        if not (path.is_file() and target.is_file() and filecmp.cmp(path, target, shallow=False)):
            place = target.relative_to(site).as_posix()
            clashes.wins(place, owners.get(place, Owner("another package", LOCK)), owner)
        return False

    tops = dict.fromkeys(entry.path.split("/", maxsplit=1)[0] for entry in one.entries)
    for top in sorted(name for name in tops if name not in ("..", "__pycache__")):
        link_into(source / top, site / top, replaces)
    for entry in one.entries:
        owners.setdefault(entry.path, owner)
