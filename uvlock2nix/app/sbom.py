"""A software bill of materials of an environment: every package with its file, hash and origin, as
CycloneDX JSON.

https://cyclonedx.org/docs/1.6/json/, https://github.com/package-url/purl-spec
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Final
from urllib.parse import quote

from uvlock2nix import __version__
from uvlock2nix.app.gather import Effort, classified, knowledge_of, policy_of
from uvlock2nix.app.remembered import recalled
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.request import Options
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.dist.installed import installed
from uvlock2nix.errors import InputError
from uvlock2nix.names import canonicalize_name
from uvlock2nix.net.urls import shown_url
from uvlock2nix.reading import read_regular
from uvlock2nix.sync.manifest import read_manifest

SPEC: Final = "1.6"
# The names that CycloneDX has for the hashes of locks.
_ALGORITHMS: Final = {
    "md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512",
}  # fmt: skip


def sbom(project: Path, options: Options, reporter: Reporter, tree: Path | None = None) -> dict[str, object]:
    """The bill of materials of ``project``'s environment on the first target of ``options``.

    ``tree``: an installed environment, whose metadata names the licences; a lock does not. The same
    input gives the same document: it carries no time, and its serial number is made from its content.

    Raises: UsageError, InputError, ProjectError: the request or the project is not in order, or ``tree``
    holds no environment.
    """
    asked = recalled(project, options, reporter)
    for note in asked.notes:
        reporter.note(note)
    policy = policy_of(asked, reporter, strict=False)
    knowledge = knowledge_of(asked, reporter)
    _, every = classified(asked, knowledge, policy, asked.target, Effort(network=False), reporter)
    packages = tuple(one for one in every if not one.left_out)
    licences = {} if tree is None else licences_of(tree)
    return document(
        asked.project.current or asked.project.root.name,
        {"system": asked.target.system, "python": asked.target.python.full},
        [_component(one, licences.get(one.name)) for one in packages],
        _dependencies(packages),
    )


def sbom_of(venv: Path, env: Path) -> dict[str, object]:
    """The bill of materials of ``venv`` as it was built on ``env``: from the manifest and the metadata in it.

    Raises:
        InputError: one of them is not what uvlock2nix makes.
    """
    try:
        manifest = read_manifest(env)
        listed = manifest["packages"]
        assert isinstance(listed, list)  # noqa: S101 - that is caught, too
        known = {str(one["name"]): one for one in listed}
    except (OSError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise InputError(
            f"{env}: not an env of uvlock2nix: {error}", hint="pass the env of a package"
        ) from None
    licences = licences_of(venv)
    components = []
    for one in installed(next(venv.glob("lib/python3*/site-packages"))):
        entry = known.get(one.name, {})
        artifact = entry.get("artifact") or {}
        built = "built" if entry.get("built") else "wheel"
        properties = [_property("class", built if one.name in known else "project")]
        if artifact.get("filename"):
            properties.append(_property("file", str(artifact["filename"])))
        component = _described(one.name, one.version, properties, licences.get(one.name))
        if hashes := _hashes(artifact.get("hash")):
            component["hashes"] = hashes
        components.append(component)
    refs = sorted(str(component["bom-ref"]) for component in components)
    edges: list[dict[str, object]] = [{"ref": ref, "dependsOn": []} for ref in refs]
    facts = {"system": str(manifest["system"]), "python": str(manifest["python"])}
    name = re.sub(r"^[0-9a-z]{32}-", "", venv.name)
    return document(name, facts, components, [{"ref": "project", "dependsOn": refs}, *edges])


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
            "properties": [_property(key, value) for key, value in facts.items()],
        },
        "components": components,
        "dependencies": dependencies,
    }
    content = json.dumps(found, sort_keys=True)
    return {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}", **found}


def _component(one: ClassifiedPackage, licence: str | None) -> dict[str, object]:
    artifact = one.choice.artifact
    component = _described(one.name, _version(one), [_property("class", one.class_)], licence)
    if artifact is None or one.from_nixpkgs:
        return component
    component["properties"] = [
        _property("class", one.class_),
        _property("file", artifact.filename),
        _property("proof", "commit" if artifact.kind == "git" else "lock" if artifact.hash else "deps"),
    ]
    if hashes := _hashes(artifact.hash):
        component["hashes"] = hashes
    if artifact.url is not None:
        kind = "vcs" if artifact.kind == "git" else "distribution"
        component["externalReferences"] = [{"type": kind, "url": shown_url(artifact.url)}]
    return component


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"uvlock2nix:{name}", "value": value}


def _version(one: ClassifiedPackage) -> str | None:
    """The version that is installed: of a package of nixpkgs, the one that it has there."""
    found = one.nixpkgs.version if one.from_nixpkgs and one.nixpkgs is not None else None
    return found or one.version


def _described(
    name: str, version: str | None, properties: list[dict[str, str]], licence: str | None
) -> dict[str, object]:
    """What every component has."""
    purl = _purl(name, version)
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


def _hashes(text: str | None) -> list[dict[str, str]]:
    """A hash of a lock, ``sha256:…``, as CycloneDX has it; nothing where it has no name for the algorithm."""
    algorithm, _, digest = (text or "").partition(":")
    return [{"alg": _ALGORITHMS[algorithm], "content": digest}] if algorithm in _ALGORITHMS else []


def _purl(name: str, version: str | None) -> str:
    return f"pkg:pypi/{name}" + (f"@{quote(version, safe='')}" if version is not None else "")


def _dependencies(packages: Iterable[ClassifiedPackage]) -> list[dict[str, object]]:
    """What each package was asked for by, the other way round."""
    named = {one.name: one for one in packages}
    refs = {name: _purl(name, _version(one)) for name, one in named.items()}
    edges: dict[str, set[str]] = {"project": set(), **{ref: set() for ref in refs.values()}}
    for one in named.values():
        for asker in one.package.requested_by:
            name = asker.partition("[")[0].partition(":")[0]
            edges[refs.get(name, "project")].add(refs[one.name])
    return [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(edges.items())]


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
