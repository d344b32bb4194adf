"""Environments made of links: folders of several trees merged into one without copying them."""

from __future__ import annotations

from pathlib import Path

from uvlock2nix.errors import InputError
from uvlock2nix.layout import site_packages
from uvlock2nix.sync.records import installed
from uvlock2nix.venv.launchers import is_interpreter


def link_into(source: Path, target: Path) -> None:
    """Make ``target`` show ``source``: a link where nothing is, a merged folder where both are folders.

    What is there already stays: of a file that both have, the first one counts.
    """
    if not target.exists() and not target.is_symlink():
        target.symlink_to(source)
    elif source.is_dir() and target.is_dir():
        if target.is_symlink():
            _open_up(target)
        for entry in sorted(source.iterdir()):
            if entry.name != "__pycache__":
                link_into(entry, target / entry.name)


def _open_up(link: Path) -> None:
    """Replace the link to a folder by a folder of links, so that something can be put beside them."""
    folder = link.resolve()
    link.unlink()
    link.mkdir()
    for entry in sorted(folder.iterdir()):
        (link / entry.name).symlink_to(entry)


def link_packages(packages: tuple[Path, ...], root: Path, version: str) -> None:
    """Link installed packages (store paths of nixpkgs) into the environment ``root``.

    Raises:
        InputError: a distribution is there twice: one import would get the one, its neighbour the other.
    """
    site = root / site_packages(version)
    there = {one.name: "the lock" for one in installed(site)}
    for package in packages:
        source = package / site_packages(version)
        if not source.is_dir():
            continue  # a program without modules
        for one in installed(source):
            if one.name in there:
                raise InputError(
                    f"{one.name} is in the environment twice: from {there[one.name]} and from {package}",
                    hint="the nixpkgs in use propagates other packages than those it was generated for: run "
                    "`uvlock2nix index update` and `uvlock2nix generate`, or take it from the lock with "
                    "`deny` under [tool.uvlock2nix.nixpkgs]",
                )
            there[one.name] = str(package)
        for entry in sorted(source.iterdir()):
            if entry.name != "__pycache__":
                link_into(entry, site / entry.name)


def link_programs(packages: tuple[Path, ...], bin_dir: Path) -> None:
    """Link the programs of installed packages that have no launcher: scripts, which no entry point names.

    Those of nixpkgs bring their own interpreter and path along. A name that is taken stays as it is.
    """
    for package in packages:
        folder = package / "bin"
        for program in sorted(folder.iterdir()) if folder.is_dir() else ():
            target = bin_dir / program.name
            # The hidden ones are what nixpkgs' wrappers run.
            hidden = program.name.startswith(".") or is_interpreter(program.name)
            if not hidden and not target.exists() and not target.is_symlink():
                target.symlink_to(program)
