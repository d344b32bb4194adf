"""Inspect the sdists of an environment, and cache the results by their hashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError, NetworkError, Uvlock2nixError
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.kept import Finding, recalled, remember
from uvlock2nix.inspect.sdist import Inspection, inspect_sdist, inspect_tree
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.net.urls import realm_of, shown_url

# How often in a row a host may be unreachable before it is not tried again.
PATIENCE: Final = 3


def inspect_all(
    candidates: Sequence[Candidate],
    fetcher: Fetcher | None,
    cache: Path,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Finding, ...]:
    """Inspect each candidate; for one that cannot be inspected, nothing is raised; its finding has the
    reason.

    ``fetcher`` is ``None`` if nothing may be fetched. ``tick`` is called after each. A host that is
    unreachable is not tried again for each of the rest.
    """
    network = _Network(fetcher)

    def one(candidate: Candidate) -> Finding:
        try:
            return _inspect(candidate, network, cache)
        finally:
            tick()

    with ThreadPoolExecutor(max_workers=6) as pool:
        return tuple(pool.map(one, candidates))


class _Network:
    """Remembers unreachable hosts and the reasons."""

    def __init__(self, fetcher: Fetcher | None) -> None:
        self._fetcher = fetcher
        self._failures: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def file(self, candidate: Candidate) -> Path:
        """The file of a candidate, fetched if needed. Raises InputError or NetworkError."""
        if candidate.url is None:
            raise InputError("it cannot be fetched, and uv's cache has no tree of it (`uv sync` creates one)")
        if self._fetcher is None:
            raise InputError("not inspected (--no-inspect, or no network)")
        host = realm_of(candidate.url)[1]
        if self._failures[host] >= PATIENCE:
            # The same error as from the host: it must not depend on the order of requests.
            raise NetworkError(f"{shown_url(candidate.url)}: {self._reasons[host]}")
        try:
            path = self._fetcher.file(candidate.url, candidate.hash, candidate.filename)
        except NetworkError as error:
            # An HTTP status is about this file; any other failure is about the server.
            if "status" not in error.data:
                reason = str(error.data.get("reason") or "its server cannot be reached")
                self._reasons.setdefault(host, reason)
                self._failures[host] += 1
            raise
        self._failures[host] = 0
        return path


def _inspect(candidate: Candidate, network: _Network, cache: Path) -> Finding:
    if (found := recalled(candidate, cache)) is not None:
        return found
    # A substitute, whose hash was not checked, is not cached under the file's hash.
    checked = candidate.path is None
    try:
        if candidate.path is not None and candidate.path.is_dir():
            result = inspect_tree(candidate.path, candidate.filename)
        elif candidate.path is not None:
            result = inspect_sdist(candidate.path, candidate.filename)
        else:
            result, checked = _fetched(candidate, network)
    except Uvlock2nixError as error:
        return Finding(candidate.name, why_not=error.message.splitlines()[0][:300])
    if result.nature == "unknown":
        said = f"its build files ({result.backend}) do not tell whether it compiles anything"
        finding = Finding(candidate.name, external=result.external, why_not=said)
    else:
        finding = Finding(candidate.name, inputs=result.inputs, external=result.external)
    if checked:
        remember(candidate, finding, cache)
    return finding


def _fetched(candidate: Candidate, network: _Network) -> tuple[Inspection, bool]:
    """The inspection, and whether it is of the locked file itself."""
    try:
        path = network.file(candidate)
    except Uvlock2nixError:
        if candidate.fallback is None:
            raise
        return inspect_tree(candidate.fallback, candidate.filename), False
    return inspect_sdist(path, candidate.filename), True
