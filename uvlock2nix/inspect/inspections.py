"""Inspecting the sdists of an environment, and keeping the results: an sdist's hash never lies about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError, NetworkError, Uvlock2nixError
from uvlock2nix.inspect.sdist import Inspection, inspect_sdist, inspect_tree
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, NativeKind, Origin, Provenance, RunInputs
from uvlock2nix.knowledge.tables import Row
from uvlock2nix.net.fetch import Fetcher

# Raised whenever inspection itself changes: old results are then made again.
EDITION: Final = 3


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
    """Remembers that the network is not there."""

    def __init__(self, fetcher: Fetcher | None) -> None:
        self._fetcher = fetcher
        self._failures = 0

    def file(self, candidate: Candidate) -> Path:
        if candidate.url is None:
            raise InputError(
                "it is not a file that can be fetched, and uv's cache has no tree of it (`uv sync` makes one)"
            )
        if self._fetcher is None:
            raise InputError("not inspected (--no-inspect, or no network)")
        if self._failures >= 3:
            raise NetworkError("not inspected: the network is not reachable")
        try:
            path = self._fetcher.file(candidate.url, candidate.hash, candidate.filename)
        except NetworkError:
            self._failures += 1
            raise
        self._failures = 0
        return path


def _inspect(candidate: Candidate, network: _Network, cache: Path) -> Finding:
    kept = _place(candidate, cache)
    if kept is not None and (found := _recall(kept, candidate.name)) is not None:
        return found
    try:
        if candidate.path is not None and candidate.path.is_dir():
            result = inspect_tree(candidate.path, candidate.filename)
        elif candidate.path is not None:
            result = inspect_sdist(candidate.path, candidate.filename)
        else:
            result, checked = _fetched(candidate, network)
            # What stands for a file whose hash nobody of us saw is not kept under that hash.
            kept = kept if checked else None
    except Uvlock2nixError as error:
        return Finding(candidate.name, why_not=error.message.splitlines()[0][:300])
    if result.nature == "unknown":
        said = f"its build files ({result.backend}) do not say whether it compiles anything"
        finding = Finding(candidate.name, external=result.external, why_not=said)
    else:
        finding = Finding(candidate.name, inputs=result.inputs, external=result.external)
    if kept is not None:
        _remember(kept, finding)
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


def _place(candidate: Candidate, cache: Path) -> Path | None:
    """Where the result is kept: under the file's hash, so never for a tree that can change."""
    digest = (candidate.hash or "").replace(":", "-")
    if not digest.replace("-", "").isalnum() or candidate.path is not None:
        return None
    return cache / "inspections" / str(EDITION) / f"{digest}.json"


def _remember(place: Path, finding: Finding) -> None:
    value = {
        "inputs": _to_json(finding.inputs),
        "external": _to_json(finding.external),
        "why_not": finding.why_not,
    }
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_suffix(f".{id(finding)}.part")
        temporary.write_text(json.dumps(value))
        temporary.replace(place)
    except OSError:
        return  # a cache that cannot be written is no cache: nothing else depends on it


def _recall(place: Path, name: str) -> Finding | None:
    try:
        value = json.loads(place.read_text())
        return Finding(
            name, _from_json(value["inputs"]), _from_json(value["external"], "pep725"), str(value["why_not"])
        )
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None


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
