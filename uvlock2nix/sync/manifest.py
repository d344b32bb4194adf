"""The manifest of deps: what was installed, from which file, and what was decided on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uvlock2nix.dist.installed import Collision
from uvlock2nix.dist.scripts import Script
from uvlock2nix.layout import LAYOUT, MANIFEST
from uvlock2nix.sync.plan import Step, SyncPlan

if TYPE_CHECKING:
    from uvlock2nix.refs.linked import Linked


def write_manifest(
    root: Path,
    plan: SyncPlan,
    *,
    python_version: str,
    system: str,
    scripts: Sequence[Script],
    collided: Sequence[tuple[Collision, str]],
    build_requires: Mapping[str, Sequence[Script]],
    libraries: Sequence[Linked] = (),
) -> None:
    """Write the manifest below ``root``; nothing in it depends on time, place or the tools' versions."""
    packages = [_package(step, built=False) for step in plan.wheels]
    packages += [_package(step, built=True) for step in plan.built_steps]
    data = {
        "schema": 1,
        "layout": LAYOUT,
        "python": python_version,
        "system": system,
        "packages": sorted(packages, key=lambda one: str(one["name"])),
        "scripts": [_script(script) for script in scripts],
        "collisions": [
            {"path": one.path, "packages": list(one.owners), "kept": winner} for one, winner in collided
        ],
        "buildRequires": {
            name: [_script(script) for script in kept] for name, kept in sorted(build_requires.items())
        },
        "libraries": [one.to_json() for one in libraries],
    }
    path = root / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _package(step: Step, *, built: bool) -> dict[str, object]:
    artifact = step.choice.artifact
    return {
        "name": step.package.name,
        "version": step.package.version,
        "built": built,
        "artifact": None
        if artifact is None
        else {"kind": artifact.kind, "filename": artifact.filename, "hash": artifact.hash},
    }


def _script(script: Script) -> dict[str, object]:
    return {"name": script.name, "package": script.package, "python": script.python}


def read_manifest(root: Path) -> dict[str, object]:
    """The manifest of an existing deps."""
    data = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise TypeError("not an object")
    return data
