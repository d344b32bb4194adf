"""Which Nix this is, and what it can do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from uvlock2nix.endings import ended
from uvlock2nix.errors import ToolError
from uvlock2nix.nixrun.runner import Runner
from uvlock2nix.regex import regex

OLDEST: Final = (2, 3)
_VERSION: Final = regex(
    r"^\S+ \((?P<name>[^()]*)\)\s+(?P<major>\d+)\.(?P<minor>\d+)(?:\.(?P<patch>\d+))?(?P<rest>\S*)\s*$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class NixVersion:
    """``name`` is "Nix", "Lix" or "Determinate Nix"; ``number`` is (major, minor, patch)."""

    name: str
    number: tuple[int, int, int]
    text: str

    @property
    def structured_log(self) -> bool:
        """Whether ``--log-format internal-json`` exists on nix-store: since 2.4, in Lix always."""
        return self.number >= (2, 4, 0)


def parse_version(text: str) -> NixVersion | None:
    """Read ``nix-store --version``; None if it is not Nix's output."""
    match = _VERSION.search(text)
    if match is None:
        return None
    kind = match["name"].lower()
    name = "Lix" if kind.startswith("lix") else "Determinate Nix" if "determinate" in kind else "Nix"
    number = (int(match["major"]), int(match["minor"]), int(match["patch"] or 0))
    return NixVersion(name, number, match[0].split(") ", 1)[1].strip())


def nix_version(runner: Runner, on_line: Callable[[str], None] = lambda _: None) -> NixVersion:
    """Ask nix-store for its version. ToolError if Nix is missing or older than 2.3."""
    ran = runner.run(["nix-store", "--version"], on_line)
    version = parse_version(ran.stdout)
    if ran.code != 0 or version is None:
        raise ToolError(
            f"`nix-store --version` {ended(ran.code)} and printed {ran.stdout.strip()[:200]!r}",
            hint="check the installation of Nix",
        )
    if version.number[:2] < OLDEST:
        raise ToolError(
            f"Nix {version.text} is too old; update-hash needs 2.3 or newer",
            hint="update Nix, or use `update-hash --no-nix`",
        )
    return version
