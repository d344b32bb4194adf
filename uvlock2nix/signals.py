"""Signals that end a program: whom they reach, and when they have to wait."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final

# What a terminal, a CI system or a service manager sends to end a command.
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def handling(numbers: Sequence[signal.Signals], handler: Callable[[int], None]) -> Iterator[None]:
    """Call ``handler`` for these signals inside the block, bar those that are ignored (as by nohup).

    Python hears signals in the main thread only; elsewhere nothing changes.
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
    """Let signals wait until the block has ended, and deliver them then.

    For a few steps that belong together: Python would otherwise raise KeyboardInterrupt between a change of
    the disk and the line that notes how to undo it. Nothing slow belongs in the block.
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
