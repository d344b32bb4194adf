"""What git answers about a repository, for commands that can do without."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str, seconds: int = 120) -> bytes | None:
    """What git prints; None where there is no git or no repository, or it fails or takes longer."""
    argv = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
