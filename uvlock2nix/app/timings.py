"""How a command spends its time: each part of the work, without the parts nested inside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Timings:
    """Measures named parts of the work, which may be nested."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._inside = [0.0]
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of the block under ``name``."""
        start = self._clock()
        self._inside.append(0.0)
        try:
            yield
        finally:
            whole = self._clock() - start
            own = whole - self._inside.pop()
            self._inside[-1] += whole
            self.seconds[name] = self.seconds.get(name, 0.0) + own

    def counted(self, name: str, function: Callable[P, R]) -> Callable[P, R]:
        """``function``, whose calls count under ``name``."""

        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.part(name):
                return function(*args, **kwargs)

        return timed

    def words(self) -> str:
        """``0.41 s reading, 21.20 s building``, in the order in which the parts first ended."""
        return ", ".join(f"{seconds:.2f} s {name}" for name, seconds in self.seconds.items())
