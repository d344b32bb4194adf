"""Notes and progress on a terminal: shows on stderr what ``app`` reports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from uvlock2nix.cli.interrupt import stopped_by_interrupt
from uvlock2nix.cli.progress import Progress
from uvlock2nix.net.urls import shown_text
from uvlock2nix.printable import printable

if TYPE_CHECKING:
    from uvlock2nix.nixrun.stream import Status


class TerminalReporter:
    """Prints notes as lines, and progress as a bar or a line if there is a terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._progress = Progress(quiet=quiet)
        self._noted: set[str] = set()

    def __enter__(self) -> TerminalReporter:
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.clear()

    def note(self, text: str) -> None:
        """Print a line that stays; several environments or systems may note the same, it is printed once."""
        if text in self._noted:
            return
        self._noted.add(text)
        self._progress.clear()
        click.echo(f"note: {printable(shown_text(text), lines=True)}", err=True)

    def status(self, status: Status) -> None:
        """Show what Nix is doing now, in place of what it did before."""
        self._progress(status)

    @contextmanager
    def steps(
        self, label: str, count: int, stop: Callable[[], None] = lambda: None
    ) -> Iterator[Callable[[int], None]]:
        """Show a bar of ``count`` steps; Ctrl-C calls ``stop``."""
        hidden = self._quiet or not sys.stderr.isatty()
        with (
            click.progressbar(length=count, label=label, file=sys.stderr, hidden=hidden) as bar,
            stopped_by_interrupt(stop),
        ):
            yield bar.update
