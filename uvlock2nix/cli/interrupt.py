"""Signals: a cancelled job ends as Ctrl-C would end it: the build is stopped and no file is half written."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from uvlock2nix.signals import ENDING, handling

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# The exit code of an interrupted command, whatever the signal.
INTERRUPTED: Final = 130

# Long enough for a callback of the interpreter to end.
_AGAIN: Final = 0.01


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C, unless they are ignored (as by nohup).

    Before and afterwards they end the program at once (``uvlock2nix.__main__``).
    """
    with _nothing_lost(), handling(ENDING, _interrupt):
        yield


@contextmanager
def _nothing_lost() -> Iterator[None]:
    """Send a signal again if Python ignored its KeyboardInterrupt.

    It does so in callbacks of the import system and of weak references and in ``__del__``: it prints a
    traceback, and the command would go on.
    """
    usual = sys.unraisablehook
    timers: list[threading.Timer] = []

    def ignored(seen: UnraisableHookArgs) -> None:
        if not issubclass(seen.exc_type, KeyboardInterrupt):
            usual(seen)
            return
        number = next(one for one in ENDING if signal.getsignal(one) not in (signal.SIG_IGN, None))
        timers.append(threading.Timer(_AGAIN, os.kill, (os.getpid(), number)))
        timers[-1].daemon = True
        timers[-1].start()

    sys.unraisablehook = ignored
    try:
        yield
    finally:
        sys.unraisablehook = usual
        # The command is ending: nothing has to be sent any more.
        for timer in timers:
            timer.cancel()


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
