"""A line of progress on a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uvlock2nix.nixrun.stream import Status

_PAUSE: Final = 0.1  # seconds between redraws


class Progress:
    """Shows Nix's work: the derivation, its phase or last line, bytes. Use it as a context manager."""

    def __init__(self, *, quiet: bool = False, file: IO[str] | None = None) -> None:
        self._file = sys.stderr if file is None else file
        self._on = not quiet and self._file.isatty()
        self._name = ""
        self._last = 0.0
        self._start = time.monotonic()

    def __call__(self, status: Status) -> None:
        """Show the state of a running build, at most every ``_PAUSE`` seconds."""
        import shutil

        if status.drv is not None:
            self._name = status.drv.rsplit("/", 1)[-1].partition("-")[2].removesuffix(".drv")
        now = time.monotonic()
        if not self._on or now - self._last < _PAUSE:
            return
        self._last = now
        parts = [f"{now - self._start:4.0f} s", self._name, status.text]
        if status.expected or status.done:
            parts.append(_bytes(status.done, status.expected))
        text = " · ".join(part for part in parts if part)
        width = max(shutil.get_terminal_size().columns - 1, 20)
        self._file.write("\r\x1b[K" + text[:width])
        self._file.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        self.clear()

    def note(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        self._file.write(f"note: {text}\n")

    def clear(self) -> None:
        """Clear the line."""
        if self._on and self._last:
            self._file.write("\r\x1b[K")
            self._file.flush()


def _bytes(done: int, expected: int) -> str:
    mega = 1024 * 1024
    return f"{done / mega:.1f} of {expected / mega:.1f} MiB" if expected else f"{done / mega:.1f} MiB"
