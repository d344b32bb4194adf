"""The port through which ``app`` reports while it works; ``cli`` implements it for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from uvlock2nix.nixrun.stream import Status


class Reporter(Protocol):
    """Takes notes, which stay, and progress, which is replaced."""

    def note(self, text: str) -> None:
        """Report something worth knowing that stops nothing."""
        ...

    def status(self, status: Status) -> None:
        """Show what Nix is doing now."""
        ...

    def steps(
        self, label: str, count: int, stop: Callable[[], None] = ...
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Start work of ``count`` steps; yields a function to call with the number of steps just done.

        ``stop`` ends background work on an interrupt.
        """
        ...


class Silent:
    """Reports nothing: for programs that use ``app`` as a library."""

    def note(self, text: str) -> None:
        """Drop it."""

    def status(self, status: Status) -> None:
        """Drop it."""

    @contextmanager
    def steps(
        self, label: str, count: int, stop: Callable[[], None] = lambda: None
    ) -> Iterator[Callable[[int], None]]:
        """Count nothing."""
        yield lambda number: None
