"""The tree of errors.

An error has what happened and where (``message``), what to do about it (``hint``), facts for programs
(``data``) and the exit code of its class. It is independent of click; only ``uvlock2nix.cli`` prints errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class Uvlock2nixError(Exception):
    """Base of every error that a user or a file can cause.

    ``message`` is a sentence, or several lines, and needs no full stop at its end; ``hint`` is what to do,
    ``""`` only if nothing can be done.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "", data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data: Mapping[str, object] = dict(data or {})


class CheckFailed(Uvlock2nixError):
    """A check failed: something is stale or different, or a reference is left."""

    exit_code = 1


class UsageError(Uvlock2nixError):
    """The command line, or ``[tool.uvlock2nix]``, asks for something that does not exist."""

    exit_code = 2


class InputError(Uvlock2nixError):
    """An input file is missing, damaged or invalid."""

    exit_code = 3


class LockError(InputError):
    """``uv.lock`` (or a script lock, or ``pylock.toml``) cannot be used."""


class ProjectError(InputError):
    """``pyproject.toml`` or another file of the project cannot be used."""


class SelectionError(UsageError):
    """The selection names a package, extra or group that the lock does not have."""


class ConflictError(InputError):
    """The selection activates extras, groups or projects that are declared to conflict."""


class NoArtifactError(InputError):
    """No file of a locked package fits the target."""


class ReferenceFoundError(CheckFailed):
    """A store reference was found where none is allowed."""


class RefsError(InputError):
    """A tree, ELF file or manifest cannot be stripped or restored."""


class ToolError(Uvlock2nixError):
    """An external program (nix, uv, git, patchelf) is missing or failed."""

    exit_code = 4


class NetworkError(Uvlock2nixError):
    """Something could not be fetched."""

    exit_code = 5
