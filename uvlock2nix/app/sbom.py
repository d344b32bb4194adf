"""A software bill of materials of an environment: every package with its file, hash and origin, as
CycloneDX JSON.

https://cyclonedx.org/docs/1.6/json/, https://github.com/package-url/purl-spec
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from uvlock2nix.app.gather import Effort, classified, knowledge_of, policy_of
from uvlock2nix.app.remembered import recalled
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.request import Options
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.dist.cyclonedx import described, document, licences_of, named, of_file, purl_of
from uvlock2nix.net.urls import shown_url
from uvlock2nix.sync.manifest import proof


def sbom(project: Path, options: Options, reporter: Reporter, tree: Path | None = None) -> dict[str, object]:
    """The bill of materials of ``project``'s environment on the first target of ``options``.

    ``tree`` is an installed environment, whose metadata has the licences; a lock does not have them. The same
    input gives the same document: it has no time, and its serial number is derived from its content.

    Raises: UsageError, InputError, ProjectError: the request or the project is invalid, or ``tree``
    is not an environment.
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


def _component(one: ClassifiedPackage, licence: str | None) -> dict[str, object]:
    artifact = one.choice.artifact
    component = described(one.name, _version(one), [named("class", one.class_)], licence)
    if artifact is None or one.from_nixpkgs:
        return component
    component["properties"] = [
        named("class", one.class_),
        named("file", artifact.filename),
        named("proof", proof(artifact)),
    ]
    url = shown_url(artifact.url) if artifact.url is not None else None
    return {**component, **of_file(artifact.hash, url, from_git=artifact.kind == "git")}


def _version(one: ClassifiedPackage) -> str | None:
    """The version that is installed: nixpkgs' version for packages from nixpkgs."""
    found = one.nixpkgs.version if one.from_nixpkgs and one.nixpkgs is not None else None
    return found or one.version


def _dependencies(packages: Iterable[ClassifiedPackage]) -> list[dict[str, object]]:
    """The dependencies of each package, from what the lock records the other way round."""
    named = {one.name: one for one in packages}
    refs = {name: purl_of(name, _version(one)) for name, one in named.items()}
    edges: dict[str, set[str]] = {"project": set(), **{ref: set() for ref in refs.values()}}
    for one in named.values():
        for asker in one.package.requested_by:
            name = asker.partition("[")[0].partition(":")[0]
            edges[refs.get(name, "project")].add(refs[one.name])
    return [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(edges.items())]
