"""Environment + knowledge → classes: where each package comes from, what it needs, and why.

Pure: whatever has to be fetched or inspected is already in the given :class:`Knowledge`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import assert_never

from uvlock2nix.artifacts import BuildPolicy, Choice, Rejected, choose
from uvlock2nix.classify.closure import Decision
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.model import CLASSES, Class, ClassifiedPackage, ClassifyPolicy
from uvlock2nix.classify.settle import decision_of, index_words, refuse_unbuildable, settled
from uvlock2nix.classify.version_bounds import ranges_of
from uvlock2nix.errors import NoArtifactError
from uvlock2nix.inspect.project_version import version_tool
from uvlock2nix.knowledge.backends import GIT_DESCRIBE, backend_programs
from uvlock2nix.knowledge.native import EMPTY, NativeInputs, Origin, RunInputs
from uvlock2nix.knowledge.rules import SharedLibrary, shared_libraries
from uvlock2nix.lock import Environment, EnvPackage, Project, local_packages
from uvlock2nix.lock.model import (
    DirectorySource,
    EditableSource,
    GitSource,
    PathSource,
    RegistrySource,
    UrlSource,
    VirtualSource,
)
from uvlock2nix.net.urls import shown_url
from uvlock2nix.target import Target

__all__ = [
    "CLASSES",
    "Class",
    "Classification",
    "ClassifiedPackage",
    "ClassifyPolicy",
    "classify",
]


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
        UsageError: a package would be built from source, which is known to fail (likewise).
    """
    return Classification(project, environment, target, knowledge, policy).packages()


class Classification:
    """Classifying in two steps: each package on its own, then all together.

    In between, files of packages that the first step does not know can be inspected; then only what depends
    on that is computed again.
    """

    def __init__(
        self,
        project: Project,
        environment: Environment,
        target: Target,
        knowledge: Knowledge,
        policy: ClassifyPolicy,
    ) -> None:
        self.project = project
        self.environment = environment
        self.target = target
        self.knowledge = knowledge
        self.policy = policy
        self.build = policy.artifacts if policy.artifacts is not None else BuildPolicy.of_project(project)
        self.members = {member.name for member in project.members}
        self.python = target.python.minor
        self.nothing: dict[str, NoArtifactError] = {}
        self._single = [self._draft(entry) for entry in environment.packages]
        self._decision: Decision | None = None
        self.drafts = self._share_libraries(self._single)

    def learn(self, knowledge: Knowledge, names: Collection[str]) -> None:
        """Use ``knowledge``, which has more on the packages ``names``."""
        self.knowledge = knowledge
        changed = frozenset(names)
        self._single = [self._again(one) if one.name in changed else one for one in self._single]
        before, self.drafts = self.drafts, self._share_libraries(self._single)
        pairs = zip(before, self.drafts, strict=True)
        if not changed or any(_decided_by(then) != _decided_by(now) for then, now in pairs):
            self._decision = None

    def packages(self) -> tuple[ClassifiedPackage, ...]:
        """The second step: what comes from nixpkgs. Raises NoArtifactError as :func:`classify` does."""
        if self._decision is None:
            ranges = ranges_of(self.project, self.environment, self.target, self.knowledge.specifiers)
            self._decision = decision_of(self.drafts, self.project, self.policy, ranges)
        decision = self._decision
        index = index_words(self.knowledge, self.target)
        packages = self._share_libraries([settled(draft, decision, index) for draft in self.drafts])
        if self.policy.strict:
            for package in packages:
                without = package.choice.artifact is None and not package.from_nixpkgs
                if without and package.name in self.nothing:
                    raise self.nothing[package.name]
                refuse_unbuildable(package)
        return packages

    def _choose(self, entry: EnvPackage) -> Choice:
        try:
            return choose(entry.package, self.target, self.build)
        except NoArtifactError as error:
            self.nothing[entry.package.name] = error
            return Choice(None, partial(_rejected, error))

    def _draft(self, entry: EnvPackage) -> ClassifiedPackage:
        """The package on its own: its source, and what building or running it needs."""
        package, choice = entry.package, self._choose(entry)
        class_, why = _origin(entry, choice, self.members)
        local = package.is_local_tree
        match = None if local else self.knowledge.index.lookup(package.name, package.version, self.python)
        return self._needing(ClassifiedPackage(entry, choice, class_, why, EMPTY, match, from_nixpkgs=False))

    def _again(self, draft: ClassifiedPackage) -> ClassifiedPackage:
        """The package on its own, if only the knowledge of its needs has changed."""
        class_, why = _origin(draft.package, draft.choice, self.members)
        return self._needing(draft._replace(class_=class_, reasons=why, native=EMPTY, known=""))

    def _needing(self, draft: ClassifiedPackage) -> ClassifiedPackage:
        """The package with what building or running it needs."""
        package, choice = draft.package.package, draft.choice
        if package.is_local_tree:
            return self._own(draft)
        if choice.artifact is not None and choice.artifact.kind == "wheel":
            return _with_run_time(draft, self.target, self.knowledge)
        if choice.artifact is None:
            return draft
        return _with_build(draft, self.target, self.knowledge)

    def _own(self, draft: ClassifiedPackage) -> ClassifiedPackage:
        """A local package: only ``[external]`` and the user's table count, no other table.

        Else what its build files name. The programs of its build backend are added.
        """
        known, left_out = _known(draft, self.target, self.knowledge)
        if known is None or known.origin.provenance not in ("user", "pep725"):
            found = self.knowledge.inspected.get(draft.name, EMPTY)
            known, left_out = _fitted(draft, self.target, found)
        if known.origin.provenance != "table":
            needs = dict.fromkeys((*known.build.attributes, *known.run.dlopen))
            reason = f"needs {', '.join(needs) or 'nothing'} ({_who(known)})"
            draft = draft._replace(reasons=(*draft.reasons, reason, *left_out))
        if known.origin.provenance == "inspected":
            draft = draft._replace(known="inspected")
        runs: list[str] = []
        for tree in local_packages(self.project, [draft.package.package]):
            system = tree.pyproject.build_system
            runs += backend_programs(system.backend, (*system.requires, *known.build.build_requires))
            if version_tool(self.project.root / tree.path) == GIT_DESCRIBE:
                runs.append("git")
        more = tuple(attr for attr in runs if attr not in known.build.attributes)
        if more:
            build = known.build._replace(native_build_inputs=(*known.build.native_build_inputs, *more))
            known = known._replace(build=build)
            draft = draft._replace(reasons=(*draft.reasons, f"its build runs {', '.join(more)}"))
        return draft._replace(native=known)

    def _share_libraries(self, drafts: Sequence[ClassifiedPackage]) -> tuple[ClassifiedPackage, ...]:
        """Packages that exchange a library's objects must share a copy of it: all compiled, or none.

        If one of them has to be compiled, the others are compiled too if they have an sdist; otherwise the
        reason tells what will happen on import.
        """
        by_name = {draft.name: position for position, draft in enumerate(drafts)}
        result = list(drafts)
        for rule in shared_libraries():
            present = [by_name[name] for name in rule.packages if name in by_name]
            built = [p for p in present if result[p].class_ != "wheel"]
            if built and len(built) < len(present):
                for position in set(present) - set(built):
                    result[position] = self._compiled_too(result[position], rule, result[built[0]])
        return tuple(result)

    def _compiled_too(
        self, draft: ClassifiedPackage, rule: SharedLibrary, cause: ClassifiedPackage
    ) -> ClassifiedPackage:
        how = "comes from nixpkgs" if cause.from_nixpkgs else "is compiled"
        no_binary = self.build.no_binary
        names = no_binary if isinstance(no_binary, frozenset) else frozenset()
        try:
            choice = choose(
                draft.package.package, self.target, self.build._replace(no_binary=names | {draft.name})
            )
        except NoArtifactError:
            why = f"it bundles its own {rule.library}, and {cause.name} {how}: {rule.symptom}"
            return draft if why in draft.reasons else draft._replace(reasons=(*draft.reasons, why))
        reason = f"compiled because {cause.name} {how}: both must share the same {rule.library}"
        plain = draft._replace(choice=choice, class_="sdist", reasons=(reason,), native=EMPTY)
        return _with_build(plain, self.target, self.knowledge)


def _decided_by(draft: ClassifiedPackage) -> tuple[object, ...]:
    """Everything in a draft on which the second step depends: see ``settle.decision_of``."""
    return draft.class_, draft.nixpkgs, draft.reasons[:1]


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
            return "vcs", (f"from git, {shown_url(url)} at {commit[:12]}",)
        case UrlSource(url=url):
            return "url", (f"from the URL {shown_url(url)}",)
        case PathSource(path=path) | DirectorySource(path=path):
            return "path", (f"from the path {path}",)
        case EditableSource(path=path) | VirtualSource(path=path):
            return "workspace", (f"a separate project at {path}",)
        case _ as never:
            assert_never(never)


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
        return "sdist", ("the lock has no wheel for it",)
    said = list(dict.fromkeys(item.reason for item in wheels))
    shown = "; ".join(said[:2])
    return "sdist", (f"no wheel fits the target: {shown}" + (" …" if len(said) > 2 else ""),)


def _known(
    draft: ClassifiedPackage, target: Target, knowledge: Knowledge
) -> tuple[NativeInputs | None, tuple[str, ...]]:
    """Its known native inputs on the target, and a reason for those left out."""
    known = knowledge.native(draft.name, draft.version)
    return (None, ()) if known is None else _fitted(draft, target, known)


def _fitted(
    draft: ClassifiedPackage, target: Target, known: NativeInputs
) -> tuple[NativeInputs, tuple[str, ...]]:
    from uvlock2nix.knowledge.platforms import on_darwin

    if not target.is_darwin:
        return known, ()
    fitted = on_darwin(draft.name, known)
    gone = f"left out, Linux only: {', '.join(fitted.left_out)}"
    return fitted.inputs, (gone,) if fitted.left_out else ()


def _with_run_time(draft: ClassifiedPackage, target: Target, knowledge: Knowledge) -> ClassifiedPackage:
    """A wheel, with the libraries from outside that its files or its Python code load.

    What was read from the wheel itself replaces the table's entry for wheels, and the user's entry replaces
    both.
    """
    known, _ = _known(draft, target, knowledge)
    said = known is not None and "wheel_runtime_libs" in known.origin.given
    read = None if said else knowledge.wheel_needs.get(draft.name)
    runtime = read if read is not None else known.run.wheel_runtime_libs if known is not None else ()
    dlopen = known.run.dlopen if known is not None else ()
    reasons = [*draft.reasons, *knowledge.wheel_notes.get(draft.name, ())]
    if runtime:
        how = "set by you" if said else "read from the wheel" if read is not None else "from the table"
        reasons.append(f"its shared objects need {', '.join(runtime)} from outside ({how})")
    if dlopen:
        reasons.append(f"it loads {', '.join(dlopen)} at run time")
    if not runtime and not dlopen:
        return draft._replace(reasons=tuple(reasons))
    native = NativeInputs(
        run=RunInputs(wheel_runtime_libs=runtime, dlopen=dlopen),
        origin=Origin(
            sources=known.origin.sources if known is not None else ("read from the wheel",),
            provenance="user" if said else "inspected" if read is not None else "table",
            given=known.origin.given
            if known is not None and known.origin.provenance == "user"
            else frozenset(),
        ),
        kind="wheel-runtime" if runtime else "dlopen",
    )
    return draft._replace(native=native, reasons=tuple(reasons))


def _with_build(draft: ClassifiedPackage, target: Target, knowledge: Knowledge) -> ClassifiedPackage:
    """A package that has to be built, with what its build needs and how that is known."""
    known, left_out = _known(draft, target, knowledge)
    if known is None or known.kind in ("unknown", "wheel-runtime"):
        return _unknown(draft, knowledge, known)
    draft = draft._replace(reasons=(*draft.reasons, *left_out))
    native = known._replace(run=known.run._replace(wheel_runtime_libs=()))
    if not known.compiles:
        reason = f"builds without a compiler ({_who(known)})"
        if known.build.native_build_inputs:
            reason = f"its build runs {', '.join(known.build.native_build_inputs)} ({_who(known)})"
        return draft._replace(native=native, known="pure", reasons=(*draft.reasons, reason))
    needs = ", ".join(dict.fromkeys(known.build.attributes)) or "a compiler only"
    reasons = [*draft.reasons, f"compiled: needs {needs} ({_who(known)})"]
    if known.origin.doubtful:
        reasons.append(f"left out because doubtful: {', '.join(known.origin.doubtful)}")
    return draft._replace(
        class_="sdist-native" if draft.class_ == "sdist" else draft.class_,
        native=native,
        known="inspected" if known.origin.provenance == "inspected" else "known",
        reasons=tuple(reasons),
    )


def _who(known: NativeInputs) -> str:
    return {
        "user": "set in [tool.uvlock2nix.native]",
        "pep725": "declared in its [external] table",
        "table": "from the table of native inputs",
        "inspected": "inspected: read from its files, not verified",
    }[known.origin.provenance]


def _unknown(draft: ClassifiedPackage, knowledge: Knowledge, known: NativeInputs | None) -> ClassifiedPackage:
    native = known if known is not None else EMPTY
    if any(wheel.filename.endswith("-none-any.whl") for wheel in draft.package.package.wheels):
        reason = "pure Python: the lock also has a wheel for any platform"
        return draft._replace(native=native, known="pure", reasons=(*draft.reasons, reason))
    why = knowledge.uninspected.get(draft.name, "not in the table, and not inspected")
    reason = f"its native inputs are unknown: {why}"
    return draft._replace(native=native, known="unknown", reasons=(*draft.reasons, reason))
