"""The version that a project's git repository says: its newest tag."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.version import InvalidVersion, Version

_AFTER_PREFIX: Final = re.compile(r"(?:^|[^0-9.])(?P<version>[0-9]+(?:\.[0-9]+)*[0-9A-Za-z.+!-]*)\Z")


@dataclass(frozen=True, slots=True)
class Tagged:
    """The version of the newest tag that leads to what is checked out, and the tag."""

    version: str
    tag: str


def version_of_git(folder: Path) -> Tagged | None:
    """The greatest version that tags of ``folder``'s repository say, of those before HEAD; else None."""
    import subprocess

    argv = ["git", "-C", str(folder), "tag", "--merged", "HEAD", "--sort=-creatordate"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    found = [Tagged(version, tag) for tag in done.stdout.splitlines() if (version := version_of_tag(tag))]
    return max(found, key=lambda one: Version(one.version), default=None)


def version_of_tag(tag: str) -> str:
    """``v1.2.3``, ``app-1.2.3`` → ``1.2.3``; ``""`` for a tag that is not a version."""
    match = _AFTER_PREFIX.search(tag)
    try:
        return str(Version(match["version"])) if match else ""
    except InvalidVersion:
        return ""
