"""A CycloneDX document: its components, its frame, and the licences named in metadata.

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
# Hash algorithm in a lock → its name in CycloneDX.
_ALGORITHMS: Final = {
    "md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512",
}  # fmt: skip


def document(
    name: str,
    facts: Mapping[str, str],
    components: list[dict[str, object]],
    dependencies: list[dict[str, object]],
) -> dict[str, object]:
    """The CycloneDX document with a serial number derived from its content."""
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
    """A property in our namespace."""
    return {"name": f"uvlock2nix:{name}", "value": value}


def described(
    name: str, version: str | None, properties: list[dict[str, str]], licence: str | None
) -> dict[str, object]:
    """The fields of every component."""
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
    """A component's fields on its file: the hash in the lock (``sha256:…``) and the URL.

    A hash is left out if CycloneDX has no name for its algorithm.
    """
    found: dict[str, object] = {}
    algorithm, _, content = (digest or "").partition(":")
    if algorithm in _ALGORITHMS:
        found["hashes"] = [{"alg": _ALGORITHMS[algorithm], "content": content}]
    if url is not None:
        found["externalReferences"] = [{"type": "vcs" if from_git else "distribution", "url": url}]
    return found


def purl_of(name: str, version: str | None) -> str:
    """The package URL, by which the document refers to a package."""
    return f"pkg:pypi/{name}" + (f"@{quote(version, safe='')}" if version is not None else "")


def licences_of(tree: Path) -> Mapping[str, str]:
    """The licence of each distribution of an environment, by normalised name, as in its metadata.

    https://packaging.python.org/en/latest/specifications/core-metadata/#license-expression
    """
    sites = sorted(tree.glob("lib/python3*/site-packages"))
    if not sites:
        raise InputError(f"{tree}: no lib/python3*/site-packages in it", hint="pass an env or a venv")
    found: dict[str, str] = {}
    for file in sorted(sites[0].glob("*.dist-info/METADATA")):
        headers = HeaderParser().parsestr(read_regular(file).decode("utf-8", "replace"))
        classified_as = [
            text.rpartition("::")[2].strip()
            for text in headers.get_all("Classifier", [])
            if text.startswith("License ::")
        ]
        said = headers.get("License-Expression") or "; ".join(classified_as) or headers.get("License") or ""
        # Some packages have the whole licence text there.
        first = next(iter(said.strip().splitlines()), "").strip()
        if first and headers.get("Name"):
            found[canonicalize_name(headers["Name"])] = first
    return found
