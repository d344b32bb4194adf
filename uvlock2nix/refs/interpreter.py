"""The program interpreter of the current build."""

from __future__ import annotations

import os
from pathlib import Path


def default_interpreter() -> str | None:
    """The interpreter of the bintools wrapper, if this is a nixpkgs build."""
    tools = os.environ.get("NIX_BINTOOLS")
    if not tools:
        return None
    try:
        return (Path(tools) / "nix-support" / "dynamic-linker").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
