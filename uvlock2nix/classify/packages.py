"""Environment + knowledge → classes: where each package comes from, what it needs, and why.

Pure: what had to be fetched or inspected is already in the :class:`Knowledge` that is given in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, assert_never

from uvlock2nix.artifacts import BuildPolicy, Choice, Rejected, choose
from uvlock2nix.classify.closure import Decision, FromNixpkgs, Node, decide
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.version_bounds import Ranges, ranges_of
from uvlock2nix.errors import NoArtifactError, UsageError
from uvlock2nix.knowledge.native import EMPTY, NativeInputs, Origin, RunInputs
from uvlock2nix.knowledge.platforms import on_darwin
from uvlock2nix.knowledge.rules import SharedLibrary, shared_libraries
from uvlock2nix.lock import Environment, EnvPackage, Project
from uvlock2nix.lock.model import (
    DirectorySource,
    EditableSource,
    GitSource,
    PathSource,
    RegistrySource,
    UrlSource,
    VirtualSource,
)
from uvlock2nix.nixpkgs_index.model import NixpkgsMatch
from uvlock2nix.target import Target

Class: TypeAlias = Literal["nixpkgs", "wheel", "sdist", "sdist-native", "vcs", "url", "path", "workspace"]

CLASSES: Final[tuple[Class, ...]] = (
    "nixpkgs", "wheel", "sdist", "sdist-native", "vcs", "url", "path", "workspace",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClassifyPolicy:
    """``--from-nixpkgs``, the allow and deny lists of ``[tool.uvlock2nix.nixpkgs]``, and which files to take.

    ``artifacts`` is ``None`` for what ``[tool.uv]`` says. ``strict``: raise for a package that has no file
    for the target and does not come from nixpkgs; else it is classified, with that as its reason.
    """

    from_nixpkgs: FromNixpkgs = "native"
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    artifacts: BuildPolicy | None = None
    strict: bool = True


@dataclass(frozen=True, slots=True)
class ClassifiedPackage:
    """One package of the environment with its class and the reasons for it.

    ``native`` is what its build or run needs from the system (empty if it comes from nixpkgs).
    ``nixpkgs`` is ``None`` for packages that nixpkgs cannot have (the project's own); ``passed_over`` says
    why a package is not asked from nixpkgs (``""`` where it is: then ``reasons`` say what came of it).
    ``known`` says how sure the native inputs are: ``known``, ``inspected``, ``pure``, ``unknown`` or ``""``
    (does not apply).
    """

    package: EnvPackage
    choice: Choice
    class_: Class
    reasons: tuple[str, ...]
    native: NativeInputs
    nixpkgs: NixpkgsMatch | None
    from_nixpkgs: bool
    known: str = ""
    passed_over: str = ""

    @property
    def name(self) -> str:
        """The package's normalised name."""
        return self.package.package.name

    @property
    def version(self) -> str | None:
        """The locked version; None for a local package whose version is dynamic."""
        return self.package.package.version


def classify(
    project: Project,
    environment: Environment,
    target: Target,
    knowledge: Knowledge,
    policy: ClassifyPolicy,
) -> tuple[ClassifiedPackage, ...]:
    """Classify every package of ``environment``, in its order.

    Raises:
        NoArtifactError: a package has no file for the target (only if ``policy.strict``).
        UsageError: a package would be built from source, which is known not to work (likewise).
    """
    work = _Work(project, target, knowledge, policy)
    drafts = [work.draft(entry) for entry in environment.packages]
    drafts = work.share_libraries(drafts)
    ranges = ranges_of(project, environment, target, knowledge.specifiers)
    decision = _decide(drafts, project, policy, ranges)
    index = _index_words(knowledge, target)
    settled = work.share_libraries([_settled(draft, decision, index) for draft in drafts])
    if policy.strict:
        for package in settled:
            if package.choice.artifact is None and not package.from_nixpkgs and package.name in work.nothing:
                raise work.nothing[package.name]
            _refuse_unbuildable(package)
    return tuple(settled)


def _refuse_unbuildable(package: ClassifiedPackage) -> None:
    origin = package.native.origin
    if package.known == "known" and not package.from_nixpkgs and origin.unbuildable:
        if origin.provenance == "user":
            return
        raise UsageError(
            f"{package.name} {package.version or ''} would be built from source, which does not work:"
            f" {origin.unbuildable}",
            hint="choose a target that its wheels fit (`uvlock2nix classify --explain "
            f'{package.name}` lists them), take it from nixpkgs (`allow = ["{package.name}"]` under'
            " [tool.uvlock2nix.nixpkgs]), or write down what its build needs under"
            f" [tool.uvlock2nix.native.{package.name}]",
        )


# --- one package by itself ----------------------------------------------------------------------------


class _Work:
    """What every step looks at, and the errors of packages that have no file."""

    def __init__(
        self, project: Project, target: Target, knowledge: Knowledge, policy: ClassifyPolicy
    ) -> None:
        self.target = target
        self.knowledge = knowledge
        self.policy = policy
        self.build = policy.artifacts if policy.artifacts is not None else BuildPolicy.of_project(project)
        self.members = {member.name for member in project.members}
        self.nothing: dict[str, NoArtifactError] = {}

    def choose(self, entry: EnvPackage) -> Choice:
        try:
            return choose(entry.package, self.target, self.build)
        except NoArtifactError as error:
            self.nothing[entry.package.name] = error
            return Choice(None, _rejected(error))

    def draft(self, entry: EnvPackage) -> ClassifiedPackage:
        """The package by itself: its own source, and what building or running it needs."""
        package, choice = entry.package, self.choose(entry)
        class_, why = _origin(entry, choice, self.members)
        match = self.knowledge.index.lookup(package.name, package.version, self.target.python.minor)
        draft = ClassifiedPackage(entry, choice, class_, why, EMPTY, match, from_nixpkgs=False)
        if class_ == "workspace":
            return _own(replace(draft, nixpkgs=None), self.target, self.knowledge)
        if choice.artifact is not None and choice.artifact.kind == "wheel":
            return _with_run_time(draft, self.target, self.knowledge)
        if choice.artifact is None:
            return draft
        return _with_build(draft, self.target, self.knowledge)

    def share_libraries(self, drafts: Sequence[ClassifiedPackage]) -> list[ClassifiedPackage]:
        """Packages that exchange a library's objects must share one copy of it: all compiled, or none.

        Where one of them has to be compiled, the others are compiled too if they have an sdist; else
        the reason says what will happen at import.
        """
        by_name = {draft.name: position for position, draft in enumerate(drafts)}
        result = list(drafts)
        for rule in shared_libraries():
            present = [by_name[name] for name in rule.packages if name in by_name]
            built = [p for p in present if result[p].class_ != "wheel"]
            if built and len(built) < len(present):
                for position in set(present) - set(built):
                    result[position] = self._compiled_too(result[position], rule, result[built[0]])
        return result

    def _compiled_too(
        self, draft: ClassifiedPackage, rule: SharedLibrary, cause: ClassifiedPackage
    ) -> ClassifiedPackage:
        how = "comes from nixpkgs" if cause.from_nixpkgs else "is compiled"
        no_binary = self.build.no_binary
        names = no_binary if isinstance(no_binary, frozenset) else frozenset()
        try:
            choice = choose(
                draft.package.package, self.target, replace(self.build, no_binary=names | {draft.name})
            )
        except NoArtifactError:
            why = f"it carries its own {rule.library}, and {cause.name} {how}: {rule.symptom}"
            return draft if why in draft.reasons else replace(draft, reasons=(*draft.reasons, why))
        reason = f"compiled because {cause.name} {how}: both must share one {rule.library}"
        plain = replace(draft, choice=choice, class_="sdist", reasons=(reason,), native=EMPTY)
        return _with_build(plain, self.target, self.knowledge)


def _rejected(error: NoArtifactError) -> tuple[Rejected, ...]:
    found = error.data.get("rejected", ())
    return tuple(Rejected(str(n), str(r)) for n, r in found) if isinstance(found, tuple) else ()


def _origin(entry: EnvPackage, choice: Choice, members: Collection[str]) -> tuple[Class, tuple[str, ...]]:
    package = entry.package
    if package.name in members and package.is_local_tree:
        return "workspace", ("a project of this workspace",)
    match package.source:
        case RegistrySource():
            return _registry(choice)
        case GitSource(url=url, commit=commit):
            return "vcs", (f"from git, {without_password(url)} at {commit[:12]}",)
        case UrlSource(url=url):
            return "url", (f"from the URL {without_password(url)}",)
        case PathSource(path=path) | DirectorySource(path=path):
            return "path", (f"from the path {path}",)
        case EditableSource(path=path) | VirtualSource(path=path):
            return "workspace", (f"a project of its own at {path}",)
        case _ as never:
            assert_never(never)


def without_password(url: str) -> str:
    """The address without what a lock should not hold but may: ``user:password@`` before the host."""
    return re.sub(r"(?<=://)[^/@\s]*:[^/@\s]*@", "", url)


def _registry(choice: Choice) -> tuple[Class, tuple[str, ...]]:
    artifact = choice.artifact
    if artifact is None:
        reasons = list(dict.fromkeys(item.reason for item in choice.rejected))
        why = "; ".join(reasons[:2]) + (" …" if len(reasons) > 2 else "")
        return "wheel", (f"no file in the lock fits the target: {why or 'there is none'}",)
    if artifact.kind == "wheel":
        return "wheel", (f"{artifact.filename} fits the target",)
    wheels = [item for item in choice.rejected if item.filename.endswith(".whl")]
    if not wheels:
        return "sdist", ("the lock has no wheel of it",)
    said = list(dict.fromkeys(item.reason for item in wheels))
    shown = "; ".join(said[:2])
    return "sdist", (f"no wheel fits the target: {shown}" + (" …" if len(said) > 2 else ""),)


def _own(draft: ClassifiedPackage, target: Target, knowledge: Knowledge) -> ClassifiedPackage:
    """A project of the user's own: only what is said about it (``[external]``, the user's table) counts."""
    known, left_out = _known(draft, target, knowledge)
    if known is None or known.origin.provenance not in ("user", "pep725"):
        return draft
    needs = dict.fromkeys((*known.build.attributes, *known.run.dlopen))
    reason = f"needs {', '.join(needs) or 'nothing'} ({_who(known)})"
    return replace(draft, native=known, reasons=(*draft.reasons, reason, *left_out))


def _known(
    draft: ClassifiedPackage, target: Target, knowledge: Knowledge
) -> tuple[NativeInputs | None, tuple[str, ...]]:
    """What is known of its native inputs on the target, and a reason for what is left out there."""
    known = knowledge.native(draft.name, draft.version)
    if known is None or not target.is_darwin:
        return known, ()
    fitted = on_darwin(draft.name, known)
    gone = f"left out, for Linux only: {', '.join(fitted.left_out)}"
    return fitted.inputs, (gone,) if fitted.left_out else ()


def _with_run_time(draft: ClassifiedPackage, target: Target, knowledge: Knowledge) -> ClassifiedPackage:
    """A wheel: libraries from outside that its files, or its Python code, load.

    What was read from the wheel itself replaces what the table says about wheels of that name.
    """
    known, _ = _known(draft, target, knowledge)
    read = knowledge.wheel_needs.get(draft.name)
    runtime = read if read is not None else known.run.wheel_runtime_libs if known is not None else ()
    dlopen = known.run.dlopen if known is not None else ()
    reasons = [*draft.reasons, *knowledge.wheel_notes.get(draft.name, ())]
    if runtime:
        how = "read from the wheel" if read is not None else "from the table"
        reasons.append(f"its shared objects need {', '.join(runtime)} from outside ({how})")
    if dlopen:
        reasons.append(f"it loads {', '.join(dlopen)} at run time")
    if not runtime and not dlopen:
        return replace(draft, reasons=tuple(reasons))
    native = NativeInputs(
        run=RunInputs(wheel_runtime_libs=runtime, dlopen=dlopen),
        origin=Origin(
            sources=known.origin.sources if known is not None else ("read from the wheel",),
            provenance=known.origin.provenance if known is not None else "inspected",
        ),
        kind="wheel-runtime" if runtime else "dlopen",
    )
    return replace(draft, native=native, reasons=tuple(reasons))


def _with_build(draft: ClassifiedPackage, target: Target, knowledge: Knowledge) -> ClassifiedPackage:
    """Something that has to be built: what its build needs, and how we know."""
    known, left_out = _known(draft, target, knowledge)
    if known is None or known.kind in ("unknown", "wheel-runtime"):
        return _unknown(draft, knowledge, known)
    draft = replace(draft, reasons=(*draft.reasons, *left_out))
    native = replace(known, run=replace(known.run, wheel_runtime_libs=()))
    if not known.compiles:
        reason = f"builds without a compiler ({_who(known)})"
        if known.build.native_build_inputs:
            reason = f"its build runs {', '.join(known.build.native_build_inputs)} ({_who(known)})"
        return replace(draft, native=native, known="pure", reasons=(*draft.reasons, reason))
    needs = ", ".join(dict.fromkeys(known.build.attributes)) or "a compiler only"
    reasons = [*draft.reasons, f"compiled: needs {needs} ({_who(known)})"]
    if known.origin.doubtful:
        reasons.append(f"left out as doubtful: {', '.join(known.origin.doubtful)}")
    return replace(
        draft,
        class_="sdist-native" if draft.class_ == "sdist" else draft.class_,
        native=native,
        known="inspected" if known.origin.provenance == "inspected" else "known",
        reasons=tuple(reasons),
    )


def _who(known: NativeInputs) -> str:
    return {
        "user": "you say so in [tool.uvlock2nix.native]",
        "pep725": "it declares so in [external]",
        "table": "from the table of native inputs",
        "inspected": "inspected: read from its build files, not proven",
    }[known.origin.provenance]


def _unknown(draft: ClassifiedPackage, knowledge: Knowledge, known: NativeInputs | None) -> ClassifiedPackage:
    native = known if known is not None else EMPTY
    if any(wheel.filename.endswith("-none-any.whl") for wheel in draft.package.package.wheels):
        reason = "pure Python: the lock also has a wheel of it for any platform"
        return replace(draft, native=native, known="pure", reasons=(*draft.reasons, reason))
    why = knowledge.uninspected.get(draft.name, "not in the table, and not inspected")
    reason = f"what its build needs is unknown: {why}"
    return replace(draft, native=native, known="unknown", reasons=(*draft.reasons, reason))


# --- nixpkgs, decided on the graph --------------------------------------------------------------------


def _decide(
    drafts: Sequence[ClassifiedPackage], project: Project, policy: ClassifyPolicy, ranges: Ranges
) -> Decision:
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
            # The project itself is a dependent too, also where it is virtual and never installed.
            needed_by=ranges.asked[draft.name],
            barred=_barred(draft, project, policy),
            compiled=draft.class_ == "sdist-native",
            bounds=ranges.bounds[draft.name],
        )
        for draft in drafts
    }
    return decide(nodes, policy.from_nixpkgs, policy.allow, policy.deny)


def _barred(draft: ClassifiedPackage, project: Project, policy: ClassifyPolicy) -> str:
    if project.lock.flavour == "pylock":
        return "pylock.toml does not say which package needs which"
    source = draft.package.package.source
    if not isinstance(source, RegistrySource):
        return f"{draft.name} is {draft.reasons[0]}"
    own = next((one for one in project.uv.indexes if one.explicit and _same_url(one.url, source.url)), None)
    if own is not None and draft.name not in policy.allow:
        where = own.name or without_password(own.url)
        return f"{draft.name} is taken from the index {where} on purpose, where it may be another package"
    return ""


def _same_url(one: str, other: str | None) -> bool:
    return without_password(one).rstrip("/") == without_password(other or "").rstrip("/")


def _index_words(knowledge: Knowledge, target: Target) -> str:
    """Which index was asked; where it has no set for the target's Python, whose was taken instead."""
    index = knowledge.index
    python = index.python(target.python.minor)
    other = f", its set for Python {python}" if python != target.python.minor.removesuffix("t") else ""
    return f"index of {index.date}{other}"


def _settled(draft: ClassifiedPackage, decision: Decision, index: str) -> ClassifiedPackage:
    if draft.name in decision.taken:
        found = draft.nixpkgs
        version = found.version if found is not None else None
        why = decision.taken[draft.name]
        told = draft.version == version or f"nixpkgs has {version}" in why
        change = [] if told else [f"nixpkgs has {version}, the lock {draft.version}"]
        otherwise = [f"without nixpkgs: {reason}" for reason in draft.reasons[:1]]
        reasons = (f"{why} ({index})", *change, *otherwise)
        return replace(draft, class_="nixpkgs", from_nixpkgs=True, native=EMPTY, known="", reasons=reasons)
    if draft.name in decision.refused:
        refusal = f"not from nixpkgs: {decision.refused[draft.name]}"
        return replace(draft, reasons=(*draft.reasons, refusal))
    if draft.nixpkgs is not None and draft.name in decision.passed:
        return replace(draft, passed_over=f"not from nixpkgs: {decision.passed[draft.name]} ({index})")
    return draft
