"""A cancelled job ends as Ctrl-C does: the build with it, and every file as it was."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C."""
    with _interrupting(signal.SIGTERM, lambda: None):
        yield


@contextmanager
def stopped_by_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """On Ctrl-C, ``stop`` what works in the background too: nobody waits for it to end by itself."""
    with _interrupting(signal.SIGINT, stop):
        yield


@contextmanager
def _interrupting(number: signal.Signals, first: Callable[[], None]) -> Iterator[None]:
    """Inside, the signal calls ``first`` and then is a KeyboardInterrupt; afterwards it is what it was."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        first()
        raise KeyboardInterrupt

    before = signal.signal(number, interrupted)
    try:
        yield
    finally:
        signal.signal(number, before)
