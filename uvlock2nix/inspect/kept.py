"""Cached findings of inspections, read without loading the code for inspection."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from uvlock2nix.cache import Kept
from uvlock2nix.errors import InputError
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, NativeKind, Origin, Provenance, RunInputs
from uvlock2nix.knowledge.tables import Row

# Raised whenever inspection changes, which discards old results.
EDITION: Final = 3


class Finding(NamedTuple):
    """``inputs`` (and ``external``, from PEP 725), or why there are none."""

    name: str
    inputs: NativeInputs | None = None
    external: NativeInputs | None = None
    why_not: str = ""


def recalled(candidate: Candidate, cache: Path) -> Finding | None:
    """The result of an earlier run: by the file's hash, so never for a tree that can change."""
    value = _kept(cache).recall_json(candidate.hash) if candidate.path is None else None
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


def remember(candidate: Candidate, finding: Finding, cache: Path) -> None:
    """Cache the result by the file's hash."""
    _kept(cache).keep_json(
        candidate.hash,
        {
            "inputs": _to_json(finding.inputs),
            "external": _to_json(finding.external),
            "why_not": finding.why_not,
        },
    )


def _kept(cache: Path) -> Kept:
    return Kept(cache / "inspections" / str(EDITION), ".json")


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
    """Parse a cached result. Raises InputError if it is invalid, which discards it."""
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
