"""The digest of what deps depends on: the part of its name that makes a stale output impossible.

32 hexadecimal digits: 16 for the environment (computed again inside deps, from the lock that is there),
16 for everything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from uvlock2nix.artifacts import Choice
from uvlock2nix.layout import LAYOUT
from uvlock2nix.lock import Package, RegistrySource

HALF: Final = 16


def environment_digest(steps: Iterable[tuple[Package, Choice]], *, python: str, system: str) -> str:
    """The digest of the packages that deps holds and of the very file of each.

    ``python`` is the minor. Where a file comes from does not count when its hash is known: a mirror has the
    same bytes.
    """
    entries = sorted((_entry(package, choice) for package, choice in steps), key=json.dumps)
    return _digest({"layout": LAYOUT, "python": python, "system": system, "packages": entries})


def rest_digest(facts: Mapping[str, object]) -> str:
    """The digest of all other facts (JSON-like) that decide what is built: flags, constraints, times."""
    return _digest(facts)


def _entry(package: Package, choice: Choice) -> list[object]:
    artifact = choice.artifact
    if artifact is None:
        return [package.name, package.version]
    known = artifact.hash is not None and isinstance(package.source, RegistrySource)
    where = None if known else [artifact.url, artifact.path, str(package.source)]
    return [package.name, package.version, artifact.kind, artifact.filename, artifact.hash, where]


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HALF]
