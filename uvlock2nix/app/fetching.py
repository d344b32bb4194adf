"""The network for a piece of work of many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from uvlock2nix.cache import cache_dir

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
    from uvlock2nix.net.fetch import HttpFetcher


@contextmanager
def fetching(reporter: Reporter, label: str, count: int) -> Iterator[tuple[HttpFetcher, Callable[[], None]]]:
    """A fetcher, and what to call after each of ``count`` things."""
    from uvlock2nix.net.fetch import HttpFetcher

    with HttpFetcher(cache_dir()) as fetcher, reporter.steps(label, count, fetcher.stop) as step:
        yield fetcher, lambda: step(1)
