"""A fetcher and a progress bar for work of many steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from uvlock2nix.cache import cache_dir

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
    from uvlock2nix.lock import Project
    from uvlock2nix.net.fetch import HttpFetcher


@contextmanager
def fetching(
    reporter: Reporter, label: str, count: int, project: Project | None = None
) -> Iterator[tuple[HttpFetcher, Callable[[], None]]]:
    """A fetcher with the logins of ``project``'s indexes, and a function to call after each step."""
    from uvlock2nix.build.indexes import logins
    from uvlock2nix.net.fetch import HttpFetcher

    given = logins(project, os.environ) if project is not None else None
    with (
        HttpFetcher(cache_dir(), logins=given) as fetcher,
        reporter.steps(label, count, fetcher.stop) as step,
    ):
        yield fetcher, lambda: step(1)
