"""Signals: a cancelled job ends as Ctrl-C would end it: the build is stopped and no file is half written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from uvlock2nix.signals import ENDING, handling

# The exit code of an interrupted command, whatever the signal.
INTERRUPTED: Final = 130


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C, unless they are ignored (as by nohup).

    Before and afterwards they end the program at once (``uvlock2nix.__main__``).
    """
    with handling(ENDING, _interrupt):
        yield


@contextmanager
def stopped_by_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on an interrupt, so that background work ends before the command does."""

    def stop_first(number: int) -> NoReturn:
        stop()
        _interrupt(number)

    with handling(ENDING, stop_first):
        yield


def _interrupt(number: int) -> NoReturn:
    raise KeyboardInterrupt
