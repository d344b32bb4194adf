"""Which lock a path refers to, and the command argument for a lock: from names, without reading files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

FOLDER: Final = "nix"


def find_lock(path: Path) -> Path:
    """The lock that ``path`` refers to, as :func:`load_project` finds it; it may not exist."""
    if path.is_dir():
        return path / ("pylock.toml" if is_pylock_folder(path) else "uv.lock")
    if path.name == "pyproject.toml":
        return path.with_name("uv.lock")
    if path.suffix == ".lock" or is_pylock(path):
        return path
    return path.with_name(f"{path.name}.lock")


def argument_of(lock_path: Path) -> str:
    """The command argument for a lock, in its folder; ``""`` if the folder is enough."""
    if lock_path.name == "uv.lock":
        return ""
    if is_pylock(lock_path):
        alone = lock_path.name == "pylock.toml" and not (lock_path.parent / "uv.lock").is_file()
        return "" if alone else lock_path.name
    return lock_path.name.removesuffix(".lock")


def folder_of(argument: str, environment: str = "") -> PurePosixPath:
    """Where the files of a project are written; scripts and environments have their own folders."""
    name = PurePosixPath(argument)
    own = name.stem if name.suffix in (".py", ".toml") else argument.replace(".", "-") + "-script"
    folder = PurePosixPath(FOLDER, own) if argument else PurePosixPath(FOLDER)
    return folder / environment if environment else folder


def is_pylock(path: Path) -> bool:
    """Whether a file name is that of a PEP 751 lock."""
    return path.name == "pylock.toml" or (path.name.startswith("pylock.") and path.suffix == ".toml")


def is_pylock_folder(folder: Path) -> bool:
    """Whether a folder has a pylock.toml and no uv.lock."""
    return not (folder / "uv.lock").is_file() and (folder / "pylock.toml").is_file()
