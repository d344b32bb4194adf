"""The second step of classification: what comes from nixpkgs, decided on the graph of all packages."""

from __future__ import annotations

from collections.abc import Sequence

from uvlock2nix.classify.closure import Decision, Node, decide
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.model import ClassifiedPackage, ClassifyPolicy
from uvlock2nix.classify.version_bounds import Ranges
from uvlock2nix.errors import UsageError
from uvlock2nix.knowledge.native import EMPTY
from uvlock2nix.lock import Project
from uvlock2nix.lock.model import RegistrySource
from uvlock2nix.net.urls import shown_url, without_login
from uvlock2nix.nixpkgs_index.model import NixpkgsMatch
from uvlock2nix.target import Target


def decision_of(
    drafts: Sequence[ClassifiedPackage], project: Project, policy: ClassifyPolicy, ranges: Ranges
) -> Decision:
    """Decide what comes from nixpkgs, by ``policy`` and the version ranges."""
    needs: dict[str, list[str]] = {draft.name: [] for draft in drafts}
    for draft in drafts:
        for dependent in draft.package.requested_by:
            if dependent in needs:
                needs[dependent].append(draft.name)
    nodes = {
        draft.name: Node(
            name=draft.name,
            version=draft.version,
            match=draft.nixpkgs if draft.nixpkgs is not None else NixpkgsMatch(None, None, "absent"),
            needs=tuple(needs[draft.name]),
            # The project itself is a dependent too, even if it is virtual and never installed.
            needed_by=ranges.asked[draft.name],
            barred=_barred(draft, project, policy),
            compiled=draft.class_ == "sdist-native",
            bounds=ranges.bounds[draft.name],
        )
        for draft in drafts
    }
    return decide(nodes, policy.from_nixpkgs, policy.allow, policy.deny, policy.any_version)


def _barred(draft: ClassifiedPackage, project: Project, policy: ClassifyPolicy) -> str:
    if project.lock.flavour == "pylock":
        return "pylock.toml does not record which package needs which"
    source = draft.package.package.source
    if not isinstance(source, RegistrySource):
        return f"{draft.name} is {draft.reasons[0]}"
    own = next((one for one in project.uv.indexes if one.explicit and _same_url(one.url, source.url)), None)
    if own is not None and draft.name not in policy.allow:
        where = own.name or shown_url(own.url)
        return f"{draft.name} is taken from the index {where} explicitly, where it may be a different package"
    return ""


def _same_url(one: str, other: str | None) -> bool:
    return without_login(one).rstrip("/") == without_login(other or "").rstrip("/")


def index_words(knowledge: Knowledge, target: Target) -> str:
    """Which index was used, and for which Python if it has no set for the target's."""
    index = knowledge.index
    python = index.python(target.python.minor)
    other = f", its set for Python {python}" if python != target.python.minor.removesuffix("t") else ""
    return f"index of {index.date}{other}"


def settled(draft: ClassifiedPackage, decision: Decision, index: str) -> ClassifiedPackage:
    """Apply the decision to a package; ``index`` is the text of :func:`index_words`."""
    if draft.name in decision.taken:
        found = draft.nixpkgs
        version = found.version if found is not None else None
        why = decision.taken[draft.name]
        told = version is None or draft.version == version or f"nixpkgs has {version}" in why
        change = [] if told else [f"nixpkgs has {version}, the lock {draft.version}"]
        otherwise = [f"without nixpkgs: {reason}" for reason in draft.reasons[:1]]
        reasons = (f"{why} ({index})", *change, *otherwise)
        insisted = draft.name in decision.insisted
        taken = draft._replace(class_="nixpkgs", from_nixpkgs=True, any_version=insisted)
        return taken._replace(native=EMPTY, known="", reasons=reasons)
    if draft.name in decision.refused:
        refusal = f"not from nixpkgs: {decision.refused[draft.name]}"
        return draft._replace(reasons=(*draft.reasons, refusal))
    if draft.nixpkgs is not None and draft.name in decision.passed:
        return draft._replace(passed_over=f"not from nixpkgs: {decision.passed[draft.name]} ({index})")
    return draft


def refuse_unbuildable(package: ClassifiedPackage) -> None:
    """Raise UsageError for a package that would be built from source, which is known to fail."""
    origin = package.native.origin
    if package.known == "known" and not package.from_nixpkgs and origin.unbuildable:
        if origin.provenance == "user":
            return
        raise UsageError(
            f"{package.name} {package.version or ''} would be built from source, which does not work:"
            f" {origin.unbuildable}",
            hint="choose a target that its wheels fit (`uvlock2nix classify --explain "
            f'{package.name}` lists them), take it from nixpkgs (`allow = ["{package.name}"]` under'
            " [tool.uvlock2nix.nixpkgs]), or declare what its build needs under"
            f" [tool.uvlock2nix.native.{package.name}]",
        )
