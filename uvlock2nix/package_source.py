"""What the user adds to or removes from the source of package: ``include`` and ``exclude``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from uvlock2nix.config import Config
from uvlock2nix.errors import UsageError


class PackageSource(NamedTuple):
    """Files and folders, relative to the project's root."""

    include: tuple[PurePosixPath, ...] = ()
    exclude: tuple[PurePosixPath, ...] = ()


def package_source(root: Path, config: Config) -> PackageSource:
    """The two lists. UsageError if a path is not below ``root``, or one of ``include`` does not exist."""
    include = _paths("include", config.strings_of("include"))
    for path in include:
        if not (root / path).exists():
            raise UsageError(
                f"[tool.uvlock2nix] include: {path}: does not exist",
                hint=f"name files and folders relative to {root}",
            )
    return PackageSource(include, _paths("exclude", config.strings_of("exclude")))


def _paths(key: str, texts: Sequence[str]) -> tuple[PurePosixPath, ...]:
    paths = tuple(PurePosixPath(text) for text in texts)
    for path in paths:
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise UsageError(
                f"[tool.uvlock2nix] {key}: {path}: is not below the project's folder",
                hint="name files and folders relative to it, without patterns",
            )
    return paths
