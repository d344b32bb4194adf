"""Builds for a different system than the machine's: only wheels without compiled code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from uvlock2nix.errors import InputError
from uvlock2nix.target import this_system


def refuse_foreign(wheels: Iterable[Path], system: str) -> None:
    """Refuse wheels that were compiled here for a different system.

    Raises:
        InputError: a wheel is for this machine only.
    """
    for wheel in wheels:
        if not wheel.name.endswith("-any.whl"):
            raise InputError(
                f"{wheel.name} was compiled on {this_system()} and cannot run on {system}",
                hint=f"build it on a machine with that system, or with a remote builder for {system}",
            )
