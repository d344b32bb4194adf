"""Making an installed tree say only what it is: no launchers, no bytecode, no trace of the installer."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.dist.entry_points import entry_points
from uvlock2nix.dist.installed import Installed, installed, rewrite
from uvlock2nix.dist.scripts import Script, neutral_shebang
from uvlock2nix.layout import SCRIPTS

# Written by the installer, not by the package (PEP 376, PEP 610, and uv's own).
INSTALLER_FILES: Final = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
ENVIRONMENT_FILES: Final = ("pyvenv.cfg", ".lock", ".gitignore", "CACHEDIR.TAG")


def normalise(
    root: Path, site: Path, scripts_to: str = SCRIPTS, altered: Collection[str] = ()
) -> tuple[Script, ...]:
    """Normalise the environment ``root`` whose packages are in ``site``; return the scripts it keeps.

    ``altered``: recorded paths of files that are not as every RECORD with that path says.

    ``bin/`` goes: launchers of entry points are made again where the environment is used, what wheels ship
    there moves to ``scripts_to`` (relative to ``root``), its interpreter line neutral. RECORDs are right for
    what is then on disk.
    """
    through_lib64 = (root / "lib64").is_symlink()
    for name in ENVIRONMENT_FILES:
        _remove(root / name)
    _tidy(root)
    distributions = installed(site)
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
    """Where files of ``lib64`` are: they went through venv's link to ``lib``, which is gone."""
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


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _tidy(root: Path) -> None:
    """No bytecode, and modes of 0644 or 0755: a group-writable bit would show before Nix seals the tree."""
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
