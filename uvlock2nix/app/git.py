"""Questions to git, for commands that can do without it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str, seconds: int = 120) -> bytes | None:
    """git's output; None without git or a repository, or if it fails or takes longer than ``seconds``."""
    argv = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
