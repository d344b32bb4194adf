"""Gathering: environment and knowledge become classes; what is unknown is first read from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import tomli

from uvlock2nix.app.index import project_key
from uvlock2nix.app.local_inspection import with_local_trees
from uvlock2nix.app.remarks import on_strangers, on_wheels
from uvlock2nix.app.request import Request
from uvlock2nix.app.wheel_libraries import platform_wheels, wheel_needs, with_needs
from uvlock2nix.cache import cache_dir
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import Classification, ClassifiedPackage, ClassifyPolicy
from uvlock2nix.classify.policy import parse_level, parse_lists
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.kept import recalled
from uvlock2nix.inspect.uv_cache import git_tree, sdist_tree, uv_cache_dir
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.knowledge.user import parse_user_native
from uvlock2nix.lock import GitSource, Project
from uvlock2nix.nixpkgs_index import stored as indexes
from uvlock2nix.reading import read_regular
from uvlock2nix.target import Target
from uvlock2nix.wheel_pins import WheelNeeds

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter


class Effort(NamedTuple):
    """What may be read to learn more.

    ``network``: files are fetched, not only taken from caches. ``repeatable``: only files with a hash in the
    lock are inspected, so that everyone gets the same result. ``wheels``: wheels are read too. ``recorded``:
    what was read from wheels before, by system; what is not recorded is read now. None: the wheels' needs do
    not matter.
    """

    network: bool = True
    repeatable: bool = False
    wheels: bool = False
    recorded: Mapping[str, WheelNeeds] | None = None


def policy_of(asked: Request, reporter: Reporter, *, strict: bool = True) -> ClassifyPolicy:
    """The policy from the options and ``[tool.uvlock2nix]``."""
    allow, deny, any_version = parse_lists(asked.config.nixpkgs)
    for note in on_strangers(asked, allow | deny | any_version, "[tool.uvlock2nix.nixpkgs]"):
        reporter.note(note)
    level = parse_level(asked.from_nixpkgs)
    return ClassifyPolicy(from_nixpkgs=level, allow=allow, deny=deny, any_version=any_version, strict=strict)


def knowledge_of(asked: Request, reporter: Reporter) -> Knowledge:
    """The embedded tables under the user's own, and the project's nixpkgs index if there is one."""
    cache, key = cache_dir(), project_key(asked.project.root)
    stored = indexes.find(cache, key)
    user = parse_user_native(asked.config.native)
    for note in on_strangers(asked, user, "[tool.uvlock2nix.native]"):
        reporter.note(note)
    return Knowledge(
        user=user,
        external=_declared(asked.project, reporter),
        own_index=indexes.load(stored.path) if stored is not None else None,
    )


def classified(
    asked: Request,
    knowledge: Knowledge,
    policy: ClassifyPolicy,
    target: Target,
    effort: Effort,
    reporter: Reporter,
) -> tuple[Knowledge, tuple[ClassifiedPackage, ...]]:
    """The classes of the environment on ``target``, and the knowledge extended by what was read."""
    work = Classification(asked.project, asked.environment(target), target, knowledge, policy)
    root = asked.project.root
    unknown = candidates(work.drafts, root)
    if effort.repeatable:
        unknown = tuple(one for one in unknown if one.hash is not None)
    if unknown:
        learnt = with_inspections(work.knowledge, unknown, reporter, asked.project, network=effort.network)
        work.learn(learnt, [one.name for one in unknown])
    local = [one for one in work.drafts if one.package.package.is_local_tree]
    if local:
        learnt = with_local_trees(work.knowledge, asked.project, work.drafts, reporter)
        work.learn(learnt, [one.name for one in local])
    if effort.recorded is not None and target.is_linux:
        found, large = platform_wheels(work.packages(), root)
        if found:
            needs = wheel_needs(found, large, effort.recorded.get(target.system), reporter, asked.project)
            work.learn(with_needs(work.knowledge, found, needs), [one.name for one in found])
    asks_ranges = effort.network and (policy.from_nixpkgs == "compatible" or bool(policy.allow))
    if effort.wheels or asks_ranges:
        packages = work.packages()
        wheels = wheels_of(packages, root)
        if effort.wheels:
            for note in on_wheels(packages):
                reporter.note(note)
            work.learn(
                with_wheels(work.knowledge, wheels, reporter, asked.project), [one.name for one in wheels]
            )
        if asks_ranges:
            extras = {one.name: one.package.extras for one in work.drafts}
            work.learn(with_requirements(work.knowledge, wheels, target, extras, reporter, asked.project), ())
    return work.knowledge, work.packages()


def _declared(project: Project, reporter: Reporter) -> dict[str, NativeInputs]:
    """PEP 725 ``[external]`` of the project and its members, by name."""
    found: dict[str, NativeInputs] = {}
    for member in project.members:
        place = project.root / member.pyproject_path
        try:
            table = tomli.loads(read_regular(place).decode()).get("external")
        except (OSError, ValueError):
            continue  # the project was loaded before: problems have been reported
        if not isinstance(table, dict):
            continue
        from uvlock2nix.inspect.pep725 import parse_external

        declared = parse_external(table, str(member.pyproject_path))
        if declared is not None:
            found[member.name] = declared.inputs
            for entry in declared.unknown:
                reporter.note(f"{member.pyproject_path} [external]: no attribute is known for {entry}")
    return found


def candidates(packages: Iterable[ClassifiedPackage], root: Path) -> tuple[Candidate, ...]:
    """The packages whose native inputs are unknown, with the file to inspect."""
    found: list[Candidate] = []
    cache = uv_cache_dir()
    for package in packages:
        artifact, source = package.choice.artifact, package.package.package.source
        if package.known != "unknown" or artifact is None or artifact.kind == "wheel":
            continue
        place = root / artifact.path if artifact.path is not None and artifact.kind != "git" else None
        if isinstance(source, GitSource) and (tree := git_tree(cache, source.commit)) is not None:
            inside = (tree / (source.subdirectory or "")).resolve()
            place = inside if inside.is_relative_to(tree.resolve()) else None
        fallback = None
        if artifact.kind == "sdist" and package.version is not None:
            fallback = sdist_tree(cache, package.name, package.version)
        url = artifact.url if artifact.kind == "sdist" else None
        found.append(Candidate(package.name, artifact.filename, url, place, artifact.hash, fallback))
    return tuple(found)


def wheels_of(packages: Iterable[ClassifiedPackage], root: Path) -> tuple[Candidate, ...]:
    """The wheels of the environment that come from the lock."""
    return tuple(
        Candidate(p.name, a.filename, a.url, root / a.path if a.path is not None else None, a.hash)
        for p in packages
        if (a := p.choice.artifact) is not None and a.kind == "wheel" and not p.from_nixpkgs
    )


def with_wheels(
    knowledge: Knowledge, wheels: tuple[Candidate, ...], reporter: Reporter, project: Project
) -> Knowledge:
    """Read the wheels; add what they need and which files conflict to the knowledge."""
    from uvlock2nix.app.fetching import fetching
    from uvlock2nix.inspect.wheel_survey import survey

    with fetching(reporter, "reading wheels", len(wheels), project) as (fetcher, tick):
        found = survey(wheels, fetcher, fetcher.cache, tick)
    return replace(knowledge, wheel_needs=found.needs, wheel_notes=found.notes)


def with_sizes(knowledge: Knowledge, packages: Iterable[ClassifiedPackage], reporter: Reporter) -> Knowledge:
    """Ask the servers for the sizes that the lock does not give."""
    from uvlock2nix.app.fetching import fetching
    from uvlock2nix.inspect.wheel_survey import sizes

    wanted = tuple(
        Candidate(p.name, a.filename, a.url, None, a.hash)
        for p in packages
        if p.is_file and (a := p.choice.artifact) is not None and a.size is None and a.url is not None
    )
    with fetching(reporter, "requesting file sizes", len(wanted)) as (fetcher, tick):
        found = sizes(wanted, fetcher, tick)
    return replace(knowledge, sizes=found)


def with_requirements(
    knowledge: Knowledge,
    wheels: tuple[Candidate, ...],
    target: Target,
    extras: Mapping[str, tuple[str, ...]],
    reporter: Reporter,
    project: Project,
) -> Knowledge:
    """Read from the wheels' metadata which versions of each other they accept, with their ``extras``."""
    from uvlock2nix.app.fetching import fetching
    from uvlock2nix.inspect.requirements import read_requirements

    environment = target.marker_environment()
    with fetching(reporter, "reading requirements", len(wheels), project) as (fetcher, tick):
        found = read_requirements(wheels, fetcher, fetcher.cache, environment, extras, tick)
    if found.unread:
        shown = ", ".join(found.unread[:8]) + (" …" if len(found.unread) > 8 else "")
        note = "do not report which versions they accept, so these are taken from the lock"
        reporter.note(f"{shown}: {note}")
    return replace(knowledge, specifiers=found.ranges)


def with_inspections(
    knowledge: Knowledge,
    unknown: tuple[Candidate, ...],
    reporter: Reporter,
    project: Project,
    *,
    network: bool = True,
) -> Knowledge:
    """Inspect the candidates and add the findings to the knowledge."""
    found = {one.name: recalled(one, cache_dir()) for one in unknown}
    rest = tuple(one for one in unknown if found[one.name] is None)
    if rest:
        from uvlock2nix.app.fetching import fetching
        from uvlock2nix.inspect.inspections import inspect_all

        with fetching(reporter, "reading sdists", len(rest), project) as (fetcher, tick):
            inspected = inspect_all(rest, fetcher if network else None, fetcher.cache, tick)
        found.update({one.name: one for one in inspected})
    findings = [one for one in found.values() if one is not None]
    return replace(
        knowledge,
        inspected={f.name: f.inputs for f in findings if f.inputs is not None},
        external={
            **knowledge.external,
            **{f.name: f.external for f in findings if f.external is not None},
        },
        uninspected={f.name: f.why_not for f in findings if f.why_not},
    )
