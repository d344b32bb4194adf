"""The manifest of deps: what was installed, from which file, and what was decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvlock2nix.dist.installed import Collision
from uvlock2nix.dist.scripts import Script
from uvlock2nix.layout import LAYOUT, MANIFEST
from uvlock2nix.net.urls import shown_url
from uvlock2nix.reading import read_regular

if TYPE_CHECKING:
    from uvlock2nix.artifacts import Artifact
    from uvlock2nix.build.pinned import Pinned
    from uvlock2nix.refs.linked import Linked
    from uvlock2nix.sync.plan import Step, SyncPlan

_LARGEST: Final = 1 << 30


def write_manifest(
    root: Path,
    plan: SyncPlan,
    *,
    python_version: str,
    system: str,
    scripts: Sequence[Script],
    collided: Sequence[tuple[Collision, str]],
    build_requires: Mapping[str, Sequence[Script]],
    pinned: Pinned,
    libraries: Sequence[Linked] = (),
) -> None:
    """Write the manifest below ``root``; it does not depend on time, path or the tools' versions.

    ``pinned`` has the locked build requirements, of which the used files are listed.
    """
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
        "buildFiles": _build_files(pinned, [*(one.name for one in plan.builds), *build_requires]),
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
        else {
            "kind": artifact.kind,
            "filename": artifact.filename,
            "hash": artifact.hash,
            "origin": origin(step),
            "proof": proof(artifact),
        },
    }


def origin(step: Step) -> dict[str, str]:
    """The source of a package's file, without credentials.

    For a file from an index with a locked hash, only the kind: deps is the same for every mirror of the
    index, and the hash identifies the file.
    """
    # Imported on use: reading manifests, which every build does, does not need the lock.
    from uvlock2nix.lock import GitSource, PathSource, UrlSource

    match step.package.source:
        case GitSource() as git:
            inside = {"subdirectory": git.subdirectory} if git.subdirectory else {}
            return {"kind": "git", "url": shown_url(git.url), "commit": git.commit, **inside}
        case UrlSource() as url:
            return {"kind": "url", "url": shown_url(url.url)}
        case PathSource() as path:
            return {"kind": "path", "path": path.path}
    artifact = step.choice.artifact
    if artifact is None or artifact.hash:
        return {"kind": "index"}
    if artifact.path is not None:
        return {"kind": "path", "path": artifact.path}
    return {"kind": "url", "url": shown_url(artifact.url or "")}


def proof(artifact: Artifact | None) -> str:
    """What proves that a package's file is the locked one.

    ``lock``: the lock's hash, checked before anything reads the file. ``commit``: the git commit, itself a
    hash. ``deps``: only the hash of deps as a whole, in the pins.
    """
    if artifact is not None and artifact.kind == "git":
        return "commit"
    return "lock" if artifact is not None and artifact.hash else "deps"


def _build_files(pinned: Pinned, names: Iterable[str]) -> list[dict[str, object]]:
    """The files of the locked build requirements: each with its hash, and the packages it was used for."""
    users: dict[str, set[str]] = {}
    for name in names:
        build = pinned.of(name)
        for file in () if build is None else pinned.pins.reached(build, pinned.system):
            users.setdefault(file.key, set()).add(name)
    files = pinned.pins.by_key
    return [
        {"filename": files[key].filename, "hash": files[key].hash, "builds": sorted(users[key])}
        for key in sorted(users)
    ]


def _script(script: Script) -> dict[str, object]:
    return {"name": script.name, "package": script.package, "python": script.python}


def read_manifest(root: Path) -> dict[str, object]:
    """The manifest of an existing deps. Raises OSError; ValueError or TypeError if it is invalid."""
    data = json.loads(read_regular(root / MANIFEST, _LARGEST))
    if not isinstance(data, dict):
        raise TypeError("not an object")
    return data
