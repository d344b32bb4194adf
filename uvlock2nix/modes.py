"""The two modes of deps, and the settings that only one of them supports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final, Literal, get_args

from uvlock2nix.config import Config
from uvlock2nix.errors import UsageError
from uvlock2nix.lock import Project
from uvlock2nix.names import canonicalize_name

Mode = Literal["sync", "files"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
# uv's name for the way it installs: https://docs.astral.sh/uv/reference/settings/#link-mode
LinkMode = Literal["symlink", "copy"]
LINK_MODES: Final[tuple[LinkMode, ...]] = get_args(LinkMode)


def mode_of(config: Config) -> Mode | None:
    """``[tool.uvlock2nix] mode``; None if it is not set.

    Raises:
        UsageError: it is not a mode.
    """
    text = config.string("mode")
    for mode in MODES:
        if text == mode:
            return mode
    if text is None:
        return None
    raise UsageError(f"[tool.uvlock2nix] mode: no mode {text!r}", hint=f"the modes are: {', '.join(MODES)}")


def link_mode_of(config: Config) -> LinkMode | None:
    """``[tool.uvlock2nix] link-mode``: whether env is made of symlinks or of copies; None if it is not set.

    Raises:
        UsageError: it is not a link mode.
    """
    text = config.string("link-mode")
    for mode in LINK_MODES:
        if text == mode:
            return mode
    if text is None:
        return None
    raise UsageError(
        f"[tool.uvlock2nix] link-mode: {text!r} is not a link mode",
        hint=f"the link modes are: {', '.join(LINK_MODES)}",
    )


def named_patches(config: Config) -> dict[str, tuple[PurePosixPath, ...]]:
    """``[tool.uvlock2nix.native.<name>] patches`` as written: canonical name → paths."""
    found: dict[str, tuple[PurePosixPath, ...]] = {}
    for name, entry in config.native.items():
        listed = entry.get("patches") if isinstance(entry, dict) else None
        if listed:
            found[canonicalize_name(name)] = tuple(PurePosixPath(text) for text in listed)
    return found


def patches_of(
    project: Project,
    config: Config,
    mode: Mode,
    environments: Sequence[frozenset[str]],
    built: Sequence[str],
) -> tuple[tuple[str, tuple[PurePosixPath, ...]], ...]:
    """``[tool.uvlock2nix.native.<name>] patches``: package → files below the project's root.

    ``environments`` are the packages' names on each system, ``built`` the packages that deps builds.

    Raises:
        UsageError: a file is missing or outside the project, a package is not in the environment, or it is a
        wheel
          in mode `sync`, which does not change wheels.
    """
    found = named_patches(config)
    for name, paths in found.items():
        where = f"[tool.uvlock2nix.native.{name}] patches"
        if not any(name in names for names in environments):
            raise UsageError(f"{where}: no package `{name}` in the environment")
        if mode == "sync" and name not in built:
            raise UsageError(
                f"{where}: mode `sync` installs the wheel of {name} unchanged, so it cannot be patched",
                hint=f'build it from source: no-binary-package = ["{name}"] under [tool.uv]; or patch the '
                'wheel with mode = "files" under [tool.uvlock2nix]',
            )
        for path in paths:
            if path.is_absolute() or ".." in path.parts or not (project.root / path).is_file():
                raise UsageError(
                    f"{where}: {path} is not a file below {project.root}",
                    hint="a path is relative to the folder of uv.lock",
                )
    return tuple(sorted(found.items()))
