"""The location of our Nix files and hooks: next to the package in a checkout, else inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError

PACKAGE: Final = Path(__file__).resolve().parent


def nix_dir() -> Path:
    """The directory of the Nix library (``overlay.nix``, ``update-hash.nix`` …)."""
    return _find("nix", "overlay.nix")


def hooks_dir() -> Path:
    """The directory of the setup hooks."""
    return _find("hooks", "default.nix")


def _find(name: str, probe: str) -> Path:
    for place in (PACKAGE / "share" / name, PACKAGE.parent / name):
        if (place / probe).is_file():
            return place
    raise InputError(
        f"the installation of uvlock2nix in {PACKAGE} has no {name}/{probe}",
        hint="install it again: pip install --force-reinstall uvlock2nix",
    )
