"""Inspecting the sdists of an environment, and keeping the results: an sdist's hash never lies about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.cache import Kept
from uvlock2nix.errors import InputError, NetworkError, Uvlock2nixError
from uvlock2nix.inspect.sdist import Inspection, inspect_sdist, inspect_tree
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, NativeKind, Origin, Provenance, RunInputs
from uvlock2nix.knowledge.tables import Row
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.net.urls import realm_of, shown_url

# Raised whenever inspection itself changes: old results are then made again.
EDITION: Final = 3
# So often in a row a host may not be reached before it is not asked again.
PATIENCE: Final = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package to inspect: an sdist at ``url`` with ``hash``, or a file or tree on disk at ``path``.

    ``fallback`` is a tree that is read where the file cannot be had.
    """

    name: str
    filename: str
    url: str | None
    path: Path | None
    hash: str | None
    fallback: Path | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """``inputs`` (and ``external``, from PEP 725), or why there are none."""

    name: str
    inputs: NativeInputs | None = None
    external: NativeInputs | None = None
    why_not: str = ""


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
    kept = Kept(cache / "inspections" / str(EDITION), ".json")
    if (found := _recall(kept, candidate)) is not None:
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
        _remember(kept, candidate, finding)
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


def _recall(kept: Kept, candidate: Candidate) -> Finding | None:
    """The result of an earlier run: under the file's hash, so never for a tree that can change."""
    value = kept.recall_json(candidate.hash) if candidate.path is None else None
    try:
        return (
            Finding(
                candidate.name,
                _from_json(value["inputs"]),
                _from_json(value["external"], "pep725"),
                str(value["why_not"]),
            )
            if isinstance(value, dict)
            else None
        )
    except (KeyError, InputError):
        return None


def _remember(kept: Kept, candidate: Candidate, finding: Finding) -> None:
    kept.keep_json(
        candidate.hash,
        {
            "inputs": _to_json(finding.inputs),
            "external": _to_json(finding.external),
            "why_not": finding.why_not,
        },
    )


def _to_json(inputs: NativeInputs | None) -> dict[str, object] | None:
    if inputs is None:
        return None
    build, run, origin = inputs.build, inputs.run, inputs.origin
    return {
        "build_inputs": build.build_inputs,
        "native_build_inputs": build.native_build_inputs,
        "dlopen": run.dlopen,
        "sources": origin.sources,
        "evidence": origin.evidence,
        "doubtful": origin.doubtful,
        "kind": inputs.kind,
        "notes": origin.notes,
    }


def _from_json(value: object, provenance: Provenance = "inspected") -> NativeInputs | None:
    """What was kept. Raises InputError where it is not as we write it: then it is made again."""
    if value is None:
        return None
    row = Row("a kept inspection", value)
    inputs = NativeInputs(
        build=BuildInputs(
            build_inputs=row.attributes("build_inputs"),
            native_build_inputs=row.attributes("native_build_inputs"),
        ),
        run=RunInputs(dlopen=row.attributes("dlopen")),
        origin=Origin(
            provenance=provenance,
            sources=row.texts("sources"),
            notes=row.text("notes"),
            doubtful=row.attributes("doubtful"),
            evidence=row.texts("evidence"),
        ),
        kind=row.one_of("kind", NativeKind, "unknown"),
    )
    row.done()
    return inputs
