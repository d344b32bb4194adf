"""Normalise an installed tree: no launchers, no bytecode, no trace of the installer."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed, installed, rewrite
from uvlock2nix.dist.record import INSTALLER_FILES
from uvlock2nix.dist.scripts import Script, neutral_shebang
from uvlock2nix.layout import SCRIPTS
from uvlock2nix.printable import printable

ENVIRONMENT_FILES: Final = ("pyvenv.cfg", ".lock", ".gitignore", "CACHEDIR.TAG")
# Read by Nix's stdenv in every input: setup hooks, propagated inputs.
_NIX_SUPPORT: Final = "nix-support"


def normalise(
    root: Path,
    site: Path,
    scripts_to: str = SCRIPTS,
    altered: Collection[str] = (),
    say: Callable[[str], object] = lambda _: None,
) -> tuple[Script, ...]:
    """Normalise the environment ``root`` whose packages are in ``site``; return the scripts that are kept.

    ``altered``: recorded paths of files that do not match every RECORD with that path.

    ``bin/`` is removed: launchers of entry points are created where the environment is used, and scripts of
    wheels move to ``scripts_to`` (relative to ``root``) with a neutral shebang. RECORDs are updated to match.
    ``nix-support/`` is removed too, and ``say`` gets a line about it: a setup hook in it would run in every
    build with the environment as an input.
    """
    through_lib64 = (root / "lib64").is_symlink()
    for name in ENVIRONMENT_FILES:
        _remove(root / name)
    _tidy(root)
    distributions = installed(site)
    _remove_nix_support(root, site, distributions, scripts_to, say)
    for one in distributions:
        for name in INSTALLER_FILES:
            _remove(one.dist_info / name)
    moved, scripts = _move_scripts(root, site, distributions, scripts_to)
    _remove(root / "bin")
    if through_lib64:
        (root / "lib64").unlink()
    for pattern in ("_virtualenv.py", "_virtualenv.pth"):
        if not any(entry.path == pattern for one in distributions for entry in one.entries):
            _remove(site / pattern)
    for one in distributions:
        lib64 = _through_lib64(one, root, site) if through_lib64 else {}
        rewrite(one, site, {**moved, **lib64}, altered={*altered, *moved})
    return scripts


def _through_lib64(one: Installed, root: Path, site: Path) -> dict[str, str]:
    """New paths of files in ``lib64``, which was venv's link to ``lib``."""
    up = os.path.relpath(root, site)
    old = f"{up}/lib64/"
    paths = [entry.path for entry in one.entries if entry.path.startswith(old)]
    return {path: f"{up}/lib/{path.removeprefix(old)}" for path in paths}


def _move_scripts(
    root: Path, site: Path, distributions: Sequence[Installed], scripts_to: str
) -> tuple[dict[str, str], tuple[Script, ...]]:
    bin_dir = root / "bin"
    up = os.path.relpath(root, site)
    in_bin = posixpath.normpath(posixpath.join(up, "bin"))
    moved: dict[str, str] = {}
    scripts: dict[str, Script] = {}
    for one in distributions:
        launchers = entry_points(one)
        for entry in one.entries:
            if not entry.path.startswith(f"{in_bin}/"):
                continue
            folder, name = posixpath.split(entry.path)
            source = bin_dir / name
            if folder != in_bin or name in launchers:
                continue
            target = root / scripts_to / name
            if not target.exists() and source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, target)
            if target.exists():
                python = neutral_shebang(target, root)
                scripts[name] = Script(name, one.name, python or (name in scripts and scripts[name].python))
                moved[entry.path] = posixpath.normpath(posixpath.join(up, scripts_to, name))
    return moved, tuple(scripts[name] for name in sorted(scripts))


def _remove_nix_support(
    root: Path,
    site: Path,
    distributions: Iterable[Installed],
    scripts_to: str,
    say: Callable[[str], object],
) -> None:
    """Remove what packages put into ``nix-support/``, in any spelling, and report which package it was.

    ``scripts_to`` is kept: scripts there are no more dangerous than other programs.
    """
    # On a case-insensitive file system, a different spelling is the same folder.
    there = [entry for entry in root.iterdir() if entry.name.casefold() == _NIX_SUPPORT]
    if not there:
        return
    for one in distributions:
        paths = [os.path.relpath(posixpath.join(site, entry.path), root) for entry in one.entries]
        for path in sorted(path for path in paths if path.split("/")[0].casefold() == _NIX_SUPPORT):
            if not path.startswith(f"{scripts_to}/"):
                say(f"uvlock2nix: {one.name}: {printable(path)} is left out: it would affect other builds")
    for entry in there:
        _remove_but(entry, root / scripts_to)


def _remove_but(path: Path, kept: Path) -> None:
    """Remove ``path`` except for ``kept``, which may be below it or equal."""
    if path == kept and path.is_dir():
        return
    if path in kept.parents and kept.is_dir() and not path.is_symlink():
        for entry in path.iterdir():
            _remove_but(entry, kept)
    else:
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _tidy(root: Path) -> None:
    """Remove bytecode, and set modes 0644 or 0755: other bits would show before Nix normalises them."""
    folders = [os.fspath(root)]
    while folders:
        with os.scandir(folders.pop()) as listing:
            for entry in listing:
                if entry.is_symlink():
                    continue
                if entry.is_dir():
                    if entry.name == "__pycache__":
                        _remove(Path(entry.path))
                    else:
                        folders.append(entry.path)
                    continue
                mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
                wanted = 0o755 if mode & stat.S_IXUSR else 0o644
                if mode != wanted:
                    Path(entry.path).chmod(wanted)
