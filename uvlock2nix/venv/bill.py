"""The bill of materials of a built environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uvlock2nix.dist.cyclonedx import described, document, licences_of, named, of_file
from uvlock2nix.dist.installed import Installed, installed
from uvlock2nix.errors import InputError
from uvlock2nix.sync.manifest import read_manifest


def bill_of(venv: Path, env: Path) -> dict[str, object]:
    """The CycloneDX document of ``venv``, built on ``env``: from its manifest and metadata.

    Raises:
        InputError: one of them was not made by uvlock2nix.
    """
    try:
        manifest = read_manifest(env)
        known = {str(one["name"]): one for one in _listed(manifest)}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{env}: not an env: {error}", hint="pass the env of a package") from None
    licences = licences_of(venv)
    components = [
        _component(one, known.get(one.name), licences.get(one.name))
        for site in sorted(venv.glob("lib/python3*/site-packages"))
        for one in installed(site)
    ]
    refs = sorted(str(component["bom-ref"]) for component in components)
    edges: list[dict[str, object]] = [{"ref": ref, "dependsOn": []} for ref in refs]
    facts = {"system": str(manifest["system"]), "python": str(manifest["python"])}
    name = re.sub(r"^[0-9a-z]{32}-", "", venv.name)
    return document(name, facts, components, [{"ref": "project", "dependsOn": refs}, *edges])


def _listed(manifest: Mapping[str, object]) -> list[dict[str, Any]]:
    packages = manifest["packages"]
    if not isinstance(packages, list):
        raise TypeError("its packages are not a list")
    return packages


def _component(one: Installed, entry: Mapping[str, Any] | None, licence: str | None) -> dict[str, object]:
    """A distribution; ``entry`` is its entry in the manifest, None for the project's own packages."""
    artifact = (entry or {}).get("artifact") or {}
    how = "project" if entry is None else "built" if entry.get("built") else "wheel"
    properties = [named("class", how)]
    properties += [named(key, str(artifact[word])) for key, word in _NAMED if artifact.get(word)]
    component = described(one.name, one.version, properties, licence)
    origin = artifact.get("origin") or {}
    url = str(origin.get("url") or "") or None
    return {**component, **of_file(artifact.get("hash"), url, from_git=origin.get("kind") == "git")}


_NAMED = (("file", "filename"), ("proof", "proof"))
