"""The layout of deps, and its number."""

from __future__ import annotations

from typing import Final

# Raised whenever the same lock gives a different tree: it is part of the name of deps.
LAYOUT: Final = 4

# Paths in deps, relative to its root.
SUPPORT: Final = "nix-support/uvlock2nix"
MANIFEST: Final = f"{SUPPORT}/manifest.json"
# Programs and scripts that wheels ship; env puts them into bin/.
SCRIPTS: Final = f"{SUPPORT}/scripts"
# Build requirements of the project's own packages: a folder each, never part of env.
BUILD_REQUIRES: Final = f"{SUPPORT}/build-requires"


def site_packages(minor: str) -> str:
    """``lib/python3.13/site-packages``; a free-threaded ``3.13t`` has its own."""
    return f"lib/python{minor}/site-packages"
