"""Inspecting the sdists of an environment, and keeping the results: an sdist's hash never lies about it."""

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

# So often in a row a host may not be reached before it is not asked again.
PATIENCE: Final = 3


def inspect_all(
    candidates: Sequence[Candidate],
    fetcher: Fetcher | None,
    cache: Path,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Finding, ...]:
    """Inspect each candidate; nothing is raised for one that cannot be, the finding says why.

    ``fetcher`` is ``None`` where nothing may be fetched. ``tick`` is called after each. When the network is
    gone it is not asked again for each of the rest.
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
    """Remembers for each host that it cannot be reached, and in which words."""

    def __init__(self, fetcher: Fetcher | None) -> None:
        self._fetcher = fetcher
        self._failures: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def file(self, candidate: Candidate) -> Path:
        if candidate.url is None:
            raise InputError(
                "it is not a file that can be fetched, and uv's cache has no tree of it (`uv sync` makes one)"
            )
        if self._fetcher is None:
            raise InputError("not inspected (--no-inspect, or no network)")
        host = realm_of(candidate.url)[1]
        if self._failures[host] >= PATIENCE:
            # As if it had been asked: the answer must not hang on who was asked before whom.
            raise NetworkError(f"{shown_url(candidate.url)}: {self._reasons[host]}")
        try:
            path = self._fetcher.file(candidate.url, candidate.hash, candidate.filename)
        except NetworkError as error:
            # What the server itself says is about this file; what keeps us from it is about the server.
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
    # What stands for a file whose hash nobody of us saw is not kept under that hash.
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
        said = f"its build files ({result.backend}) do not say whether it compiles anything"
        finding = Finding(candidate.name, external=result.external, why_not=said)
    else:
        finding = Finding(candidate.name, inputs=result.inputs, external=result.external)
    if checked:
        remember(candidate, finding, cache)
    return finding


def _fetched(candidate: Candidate, network: _Network) -> tuple[Inspection, bool]:
    """The inspection, and whether it is one of the very file that the lock names."""
    try:
        path = network.file(candidate)
    except Uvlock2nixError:
        if candidate.fallback is None:
            raise
        return inspect_tree(candidate.fallback, candidate.filename), False
    return inspect_sdist(path, candidate.filename), True
