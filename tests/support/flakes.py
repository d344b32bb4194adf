"""Flakes in the stand: its package set in the place of nixpkgs', this checkout in the place of ours."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.support.stand import REPO, STAND

FLAKES: Final = {"NIX_CONFIG": "experimental-features = nix-command flakes\nwarn-dirty = false"}


def nixpkgs_flake(folder: Path) -> Path:
    """The stand's package set as a flake, where people have nixpkgs'."""
    flake = Path(shutil.copytree(STAND / "nixpkgs", folder))
    # Debian has no nixfmt: a program of a similar name replaces it; it is never run here.
    (flake / "flake.nix").write_text(
        """{
          outputs = _: {
            lib = import ./lib;
            legacyPackages.x86_64-linux = import ./. {
              system = "x86_64-linux";
              overlays = [ (final: _: { nixfmt = final.writeShellScriptBin "nixfmt-stand-in" "exit 1"; }) ];
            };
          };
        }
        """
    )
    return flake


def own_flake(folder: Path) -> Path:
    """This checkout, without what is not tracked."""
    folder.mkdir()
    for name in ("nix", "hooks", "uvlock2nix"):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("flake.nix", "pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(REPO / name, folder)
    return folder
