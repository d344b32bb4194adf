"""Signals: a cancelled job ends as Ctrl-C does, the build with it, and every file as it was."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final

# The exit code of a command that was interrupted, whatever the signal.
INTERRUPTED: Final = 130
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C, unless they are ignored (as by nohup)."""
    with _interrupting(_ENDING, lambda: None):
        yield


@contextmanager
def stopped_by_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Also ``stop`` what works in the background: nobody waits for it to end by itself."""
    with _interrupting((signal.SIGINT, *_ENDING), stop):
        yield


@contextmanager
def _interrupting(numbers: tuple[signal.Signals, ...], first: Callable[[], None]) -> Iterator[None]:
    """Inside, a signal calls ``first`` and then is a KeyboardInterrupt; afterwards it is what it was."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        first()
        raise KeyboardInterrupt

    with ExitStack() as stack:
        for number in numbers:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                signal.signal(number, interrupted)
                stack.callback(signal.signal, number, before)
        yield
