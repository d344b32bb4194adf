"""A CycloneDX document: its components, its frame, and the licences that metadata names.

https://cyclonedx.org/docs/1.6/json/, https://github.com/package-url/purl-spec
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Final
from urllib.parse import quote

from uvlock2nix import __version__
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.reading import read_regular

SPEC: Final = "1.6"
# The names that CycloneDX has for the hashes of locks.
_ALGORITHMS: Final = {
    "md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512",
}  # fmt: skip


def document(
    name: str,
    facts: Mapping[str, str],
    components: list[dict[str, object]],
    dependencies: list[dict[str, object]],
) -> dict[str, object]:
    """The CycloneDX document with a serial number that is made from its content."""
    found: dict[str, object] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "project",
                "name": name,
            },
            "tools": {"components": [{"type": "application", "name": "uvlock2nix", "version": __version__}]},
            "properties": [named(key, value) for key, value in facts.items()],
        },
        "components": components,
        "dependencies": dependencies,
    }
    content = json.dumps(found, sort_keys=True)
    return {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}", **found}


def named(name: str, value: str) -> dict[str, str]:
    """A property of ours."""
    return {"name": f"uvlock2nix:{name}", "value": value}


def described(
    name: str, version: str | None, properties: list[dict[str, str]], licence: str | None
) -> dict[str, object]:
    """What every component has."""
    purl = purl_of(name, version)
    component: dict[str, object] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "purl": purl,
        "properties": properties,
    }
    if version is not None:
        component["version"] = version
    if licence is not None:
        component["licenses"] = [{"license": {"name": licence}}]
    return component


def of_file(digest: str | None, url: str | None, *, from_git: bool) -> dict[str, object]:
    """What a component has of the file that it came from: its hash in a lock, ``sha256:…``, and its address.

    A hash whose algorithm CycloneDX has no name for is left out.
    """
    found: dict[str, object] = {}
    algorithm, _, content = (digest or "").partition(":")
    if algorithm in _ALGORITHMS:
        found["hashes"] = [{"alg": _ALGORITHMS[algorithm], "content": content}]
    if url is not None:
        found["externalReferences"] = [{"type": "vcs" if from_git else "distribution", "url": url}]
    return found


def purl_of(name: str, version: str | None) -> str:
    """The package URL; what others of the document name a package by."""
    return f"pkg:pypi/{name}" + (f"@{quote(version, safe='')}" if version is not None else "")


def licences_of(tree: Path) -> Mapping[str, str]:
    """The licence of each distribution of an environment, by normalised name; as its metadata says it.

    https://packaging.python.org/en/latest/specifications/core-metadata/#license-expression
    """
    sites = sorted(tree.glob("lib/python3*/site-packages"))
    if not sites:
        raise InputError(f"{tree}: there is no lib/python3*/site-packages", hint="pass an env or a venv")
    found: dict[str, str] = {}
    for file in sorted(sites[0].glob("*.dist-info/METADATA")):
        headers = HeaderParser().parsestr(read_regular(file).decode("utf-8", "replace"))
        classified_as = [
            text.rpartition("::")[2].strip()
            for text in headers.get_all("Classifier", [])
            if text.startswith("License ::")
        ]
        said = headers.get("License-Expression") or "; ".join(classified_as) or headers.get("License") or ""
        # Some put the whole text of the licence there.
        first = next(iter(said.strip().splitlines()), "").strip()
        if first and headers.get("Name"):
            found[canonicalize_name(headers["Name"])] = first
    return found
