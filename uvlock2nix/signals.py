"""Signals that end a program: who handles them, and when they have to wait."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final

# Sent by a terminal, a CI system or a service manager to end a command.
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def handling(numbers: Sequence[signal.Signals], handler: Callable[[int], None]) -> Iterator[None]:
    """Call ``handler`` for these signals inside the block, unless they are ignored (as by nohup).

    Python handles signals only in the main thread; elsewhere, nothing changes.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        handler(number)

    with ExitStack() as stack:
        for number in numbers if _in_main_thread() else ():
            before = signal.getsignal(number)
            if before not in (signal.SIG_IGN, None):
                stack.callback(signal.signal, number, before)
                signal.signal(number, handle)
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay signals until the end of the block.

    For a few steps that belong together: otherwise, Python could raise KeyboardInterrupt between a change on
    disk and the line that records how to undo it. Nothing slow belongs in the block.
    """
    waiting: dict[int, None] = {}
    try:
        with handling(ENDING, waiting.setdefault):
            yield
    finally:
        for number in waiting:
            signal.raise_signal(number)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
