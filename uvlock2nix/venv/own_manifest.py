"""Write the manifest of a package in its own store path, and of an environment of such packages.

It is part of every deployment, so the JSON is compact. ``sync.manifest`` writes that of deps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from uvlock2nix.layout import MANIFEST


def write(root: Path, manifest: Mapping[str, object]) -> None:
    """Write a manifest below ``root``."""
    path = root / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


def of_package(
    name: str,
    version: str,
    *,
    python: str,
    filename: str,
    artifact: Mapping[str, object],
    scripts: list[dict[str, object]],
) -> dict[str, object]:
    """The manifest of an installed package.

    ``filename`` is the wheel's own, if ``artifact`` (the entry for the locked file) has none.
    """
    package = {
        "name": name,
        "version": version,
        "built": artifact.get("kind", "wheel") != "wheel",
        "artifact": {"filename": filename, **artifact},
    }
    return {"schema": 1, "python": python, "packages": [package], "scripts": scripts}
