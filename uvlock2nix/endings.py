"""How a program ended, in words."""

from __future__ import annotations

import signal
from typing import Final

from uvlock2nix.regex import regex

MEMORY: Final = "it probably ran out of memory (see `dmesg`): use fewer cores, or add memory"


FULL_DISK: Final = "the disk is full: make room (for Nix: `nix-collect-garbage`), then run the command again"
_FULL: Final = regex(r"[Nn]o space left on device|ENOSPC|[Dd]isk quota exceeded")


def is_full(output: str) -> bool:
    """Whether a program said that a disk is full."""
    return _FULL.search(output) is not None


def ended(code: int) -> str:
    """``failed with exit code 3``, or by which signal a program was killed.

    ``code`` is as :mod:`subprocess` returns it (negative: a signal), or as a shell does (128 and the signal).
    """
    number = _signal(code)
    if number is None:
        return f"failed with exit code {code}"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"was killed by {name}"


def hint_for(code: int) -> str:
    """What to do about a program that a signal ended; ``""`` if its code does not tell."""
    number = _signal(code)
    if number == signal.SIGKILL:
        return MEMORY
    return "" if number is None else "it was stopped from outside: run the command again"


def _signal(code: int) -> int | None:
    """The signal's number; above 128, only signals that end programs in practice count."""
    if code < 0:
        return -code
    usual = (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT)
    return code - 128 if code - 128 in usual else None
