"""The two modes of deps, and what only one of them can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final, Literal, get_args

from packaging.utils import canonicalize_name

from uvlock2nix.config import Config
from uvlock2nix.errors import UsageError
from uvlock2nix.lock import Project

Mode = Literal["sync", "files"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)


def mode_of(config: Config) -> Mode | None:
    """``[tool.uvlock2nix] mode``; None where nothing is said.

    Raises:
        UsageError: it is no mode.
    """
    text = config.string("mode")
    for mode in MODES:
        if text == mode:
            return mode
    if text is None:
        return None
    raise UsageError(
        f"[tool.uvlock2nix] mode: there is no mode {text!r}", hint=f"the modes are: {', '.join(MODES)}"
    )


def patches_of(
    project: Project, config: Config, mode: Mode, environments: Sequence[frozenset[str]]
) -> tuple[tuple[str, tuple[PurePosixPath, ...]], ...]:
    """``[tool.uvlock2nix.native.<name>] patches``: package → files below the project's root.

    ``environments`` are the names of the packages on each system.

    Raises:
        UsageError: a file is missing or outside of the project, a package is not there, or the mode is
            `sync`, which installs what uv installs.
    """
    found: dict[str, tuple[PurePosixPath, ...]] = {}
    for name, entry in config.native.items():
        listed = entry.get("patches") if isinstance(entry, dict) else None
        if not listed:
            continue
        where = f"[tool.uvlock2nix.native.{name}] patches"
        if mode == "sync":
            raise UsageError(
                f"{where}: mode `sync` installs what uv installs, unpatched",
                hint='patch packages with mode = "files" under [tool.uvlock2nix]',
            )
        if not any(canonicalize_name(name) in names for names in environments):
            raise UsageError(f"{where}: there is no package `{name}` in the environment")
        paths = tuple(PurePosixPath(text) for text in listed)
        for path in paths:
            if path.is_absolute() or ".." in path.parts or not (project.root / path).is_file():
                raise UsageError(
                    f"{where}: {path} is not a file below {project.root}",
                    hint="a path is relative to the folder of uv.lock",
                )
        found[canonicalize_name(name)] = paths
    return tuple(sorted(found.items()))
