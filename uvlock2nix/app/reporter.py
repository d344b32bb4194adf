"""The port through which ``app`` speaks to people while it works; ``cli`` has the one for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from uvlock2nix.nixrun.stream import Status


class Reporter(Protocol):
    """Takes notes, which stay, and progress, which passes."""

    def note(self, text: str) -> None:
        """Something that the person should know and that stops nothing."""
        ...

    def status(self, status: Status) -> None:
        """What Nix is doing now."""
        ...

    def steps(
        self, label: str, count: int, stop: Callable[[], None] = ...
    ) -> AbstractContextManager[Callable[[int], None]]:
        """A piece of work of ``count`` steps: a function to call with the number of steps just done.

        ``stop`` ends what works in the background when the person interrupts it.
        """
        ...


class Silent:
    """Nobody listens: for programs that use ``app`` as a library."""

    def note(self, text: str) -> None:
        """Drop it."""

    def status(self, status: Status) -> None:
        """Drop it."""

    @contextmanager
    def steps(
        self, label: str, count: int, stop: Callable[[], None] = lambda: None
    ) -> Iterator[Callable[[int], None]]:
        """Count for nobody."""
        yield lambda number: None
