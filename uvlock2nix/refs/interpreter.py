"""The program interpreter of the build that we run in."""

from __future__ import annotations

import os
from pathlib import Path


def default_interpreter() -> str | None:
    """What the bintools wrapper of a nixpkgs build names, if this is one."""
    tools = os.environ.get("NIX_BINTOOLS")
    if not tools:
        return None
    try:
        return (Path(tools) / "nix-support" / "dynamic-linker").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
