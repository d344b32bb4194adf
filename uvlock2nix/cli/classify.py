"""``uvlock2nix classify``: where each package comes from, what it needs, and why."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
import tomli

from uvlock2nix.atomic import write_atomic
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage, ClassifyPolicy, classify
from uvlock2nix.classify.policy import LEVELS, parse_level, parse_lists
from uvlock2nix.cli.classify_html import page
from uvlock2nix.cli.classify_json import as_json
from uvlock2nix.cli.classify_text import explanation, is_file, table
from uvlock2nix.cli.classify_text import size as size_text
from uvlock2nix.cli.index import project_key
from uvlock2nix.cli.interrupt import stopped_by_interrupt
from uvlock2nix.cli.options import Request, project_argument, request, selection_options, target_options
from uvlock2nix.errors import UsageError
from uvlock2nix.inspect.inspections import Candidate, inspect_all
from uvlock2nix.inspect.pep725 import parse_external
from uvlock2nix.inspect.requirements import read_requirements
from uvlock2nix.inspect.uv_cache import git_tree, sdist_tree, uv_cache_dir
from uvlock2nix.inspect.wheel_survey import sizes, survey
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.knowledge.user import parse_user_native
from uvlock2nix.lock import GitSource, Project
from uvlock2nix.net.fetch import HttpFetcher, cache_dir
from uvlock2nix.nixpkgs_index import stored as indexes
from uvlock2nix.target import Target

MUCH: Final = 1 << 30


@click.command("classify")
@project_argument
@selection_options
@target_options
@click.option(
    "--from-nixpkgs",
    type=click.Choice(LEVELS),
    help="Which packages may come from nixpkgs. none; native (the default): those that would have to be "
    "compiled with native libraries; same: all of the same version; compatible: newer ones too.",
)
@click.option(
    "--inspect/--no-inspect",
    default=True,
    help="Read the sdists that our tables do not know; fetched once, none of their code is run. Default: on.",
)
@click.option(
    "--wheels/--no-wheels",
    default=False,
    help="Read the wheels too, by ranges: which libraries they need from outside, which files collide.",
)
@click.option(
    "--explain", metavar="PACKAGE", help="Say everything about one package; with --json, its entry."
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page with a treemap of download sizes and the table.",
)
@click.option("--json", "as_json_", is_flag=True, help="Print JSON (schema uvlock2nix/classify/1).")
def command(
    project: Path,
    from_nixpkgs: str | None,
    inspect: bool,
    wheels: bool,
    explain: str | None,
    html: Path | None,
    as_json_: bool,
    **options: Any,
) -> None:
    """Show where each package comes from, what it needs from the system, and why."""
    asked = request(project, options)
    for note in asked.notes:
        click.echo(f"note: {note}", err=True)
    if html is not None and not html.absolute().parent.is_dir():
        raise UsageError(f"--html {html}: there is no folder {html.parent}", hint="make it first")
    if len(asked.targets) > 1:
        raise UsageError("classify looks at one system at a time", hint="give --system once")
    if wheels and asked.target.is_darwin:
        note = "note: --wheels: of wheels for macOS only their tables of contents are read"
        click.echo(note, err=True)
    knowledge = knowledge_of(asked)
    policy = policy_of(asked, from_nixpkgs, strict=False)
    knowledge, packages = classified(asked, knowledge, policy, inspect=inspect, wheels=wheels)
    if html is not None:
        if inspect:
            knowledge = with_sizes(knowledge, packages)
        write_atomic(html, page(asked.target, packages, knowledge))
        click.echo(f"written: {html}", err=True)
    one = _named(explain, packages) if explain is not None else None
    if as_json_:
        click.echo(json.dumps(as_json(asked.target, packages if one is None else (one,)), indent=2))
    elif one is not None:
        click.echo(explanation(one, packages, knowledge))
    elif html is None:
        # Who wants as much as possible from nixpkgs wants to know what is in the way of the rest.
        nixpkgs_first = policy.from_nixpkgs in ("same", "compatible")
        click.echo(table(asked.target, packages, knowledge, all_reasons=nixpkgs_first))


def _declared(project: Project) -> dict[str, NativeInputs]:
    """PEP 725 ``[external]`` of the project and its members, by name."""
    found: dict[str, NativeInputs] = {}
    for member in project.members:
        place = project.root / member.pyproject_path
        try:
            table = tomli.loads(place.read_text(encoding="utf-8")).get("external")
        except (OSError, ValueError):
            continue  # the project was read already: what is wrong with the file has been said
        declared = parse_external(table, str(member.pyproject_path)) if isinstance(table, dict) else None
        if declared is not None:
            found[member.name] = declared.inputs
            for entry in declared.unknown:
                click.echo(
                    f"note: {member.pyproject_path} [external]: no attribute known for {entry}", err=True
                )
    return found


def classified(
    asked: Request,
    knowledge: Knowledge,
    policy: ClassifyPolicy,
    *,
    inspect: bool = True,
    wheels: bool = False,
    target: Target | None = None,
    repeatable: bool = False,
) -> tuple[Knowledge, tuple[ClassifiedPackage, ...]]:
    """Classify; what stays unknown is looked up in the sdists (``inspect``) and wheels (``wheels``).

    ``repeatable``: only files that the lock has a hash of are inspected, so that everybody finds the same.
    """
    target = target or asked.target
    environment = asked.environment(target)
    packages = classify(asked.project, environment, target, knowledge, policy)
    root = asked.project.root
    unknown = candidates(packages, root)
    if repeatable:
        unknown = tuple(one for one in unknown if one.hash is not None)
    if unknown:
        knowledge = with_inspections(knowledge, unknown, network=inspect)
    if wheels:
        known = (one.choice.artifact.size or 0 for one in packages if one.choice.artifact is not None)
        knowledge = with_wheels(knowledge, wheels_of(packages, root), sum(known))
    open_question = inspect and (policy.from_nixpkgs == "compatible" or bool(policy.allow))
    if open_question:
        extras = {one.name: one.package.extras for one in packages}
        knowledge = with_requirements(knowledge, wheels_of(packages, root), target, extras)
    if unknown or wheels or open_question:
        packages = classify(asked.project, environment, target, knowledge, policy)
    if repeatable:
        for note in _remarks(packages, knowledge, policy):
            click.echo(f"note: {note}", err=True)
    return knowledge, packages


def _remarks(
    packages: Iterable[ClassifiedPackage], knowledge: Knowledge, policy: ClassifyPolicy
) -> Iterator[str]:
    """What the table of ``classify`` shows and who only generates would not see."""
    taken = [one.name for one in packages if one.from_nixpkgs]
    if taken and knowledge.own_index is None:
        yield (
            f"{len(taken)} packages come from nixpkgs as it was on {knowledge.index.date}: "
            "`uvlock2nix index update` looks at yours"
        )
    for one in packages:
        if one.name in policy.allow and not one.from_nixpkgs:
            yield f"{one.name}: {one.reasons[-1]}, although [tool.uvlock2nix.nixpkgs] allows it"


def _strangers(asked: Request, names: Iterable[str], where: str) -> None:
    """Say which names the lock does not have: most likely they are misspelt."""
    known = asked.project.lock.by_name
    for name in sorted(set(names) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        guess = f"; did you mean `{near[0]}`?" if near else ""
        click.echo(f"note: {where}: the lock has no {name}{guess}", err=True)


def policy_of(asked: Request, from_nixpkgs: str | None = None, *, strict: bool = True) -> ClassifyPolicy:
    """The policy of the command line over ``[tool.uvlock2nix]``."""
    allow, deny = parse_lists(asked.config.nixpkgs)
    _strangers(asked, allow | deny, "[tool.uvlock2nix.nixpkgs]")
    level = parse_level(from_nixpkgs or asked.config.string("from-nixpkgs"))
    return ClassifyPolicy(from_nixpkgs=level, allow=allow, deny=deny, strict=strict)


def knowledge_of(asked: Request) -> Knowledge:
    """The embedded tables, with the user's own over them, and the index of the project's nixpkgs if made."""
    cache, key = cache_dir(), project_key(asked.project.root)
    stored = indexes.find(cache, key)
    user = parse_user_native(asked.config.native)
    _strangers(asked, user, "[tool.uvlock2nix.native]")
    return Knowledge(
        user=user,
        external=_declared(asked.project),
        own_index=indexes.load(stored.path) if stored is not None else None,
    )


def candidates(packages: Iterable[ClassifiedPackage], root: Path) -> tuple[Candidate, ...]:
    """The packages whose native inputs are unknown, as what can be inspected of them."""
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


@contextmanager
def _fetching(label: str, count: int) -> Iterator[tuple[HttpFetcher, Callable[[], None]]]:
    """A fetcher, and what to call after each of ``count`` things, with a bar on a terminal."""
    with (
        click.progressbar(length=count, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar,
        HttpFetcher(cache_dir()) as fetcher,
        stopped_by_interrupt(fetcher.stop),
    ):
        yield fetcher, lambda: bar.update(1)


def with_wheels(knowledge: Knowledge, wheels: tuple[Candidate, ...], size: int = 0) -> Knowledge:
    """Read the wheels and put what they need, and what they fight about, into the knowledge.

    ``size`` is theirs together, in bytes.
    """
    if size > MUCH:
        note = (
            f"--wheels reads up to {size_text(size)}; what is read is kept, so it may be stopped and goes on"
        )
        click.echo(f"note: {note}", err=True)
    with _fetching("reading wheels", len(wheels)) as (fetcher, tick):
        found = survey(wheels, fetcher, fetcher.cache, tick)
    return replace(knowledge, wheel_needs=found.needs, wheel_notes=found.notes)


def with_sizes(knowledge: Knowledge, packages: Iterable[ClassifiedPackage]) -> Knowledge:
    """Ask the servers for the sizes that the lock does not give."""
    wanted = tuple(
        Candidate(p.name, a.filename, a.url, None, a.hash)
        for p in packages
        if (a := p.choice.artifact) is not None and a.size is None and a.url is not None and is_file(p)
    )
    with _fetching("asking for sizes", len(wanted)) as (fetcher, tick):
        found = sizes(wanted, fetcher, tick)
    return replace(knowledge, sizes=found)


def with_requirements(
    knowledge: Knowledge,
    wheels: tuple[Candidate, ...],
    target: Target,
    extras: Mapping[str, tuple[str, ...]],
) -> Knowledge:
    """Ask the wheels' metadata which versions of each other they accept, with their active ``extras``."""
    environment = target.marker_environment()
    with _fetching("reading requirements", len(wheels)) as (fetcher, tick):
        found = read_requirements(wheels, fetcher, fetcher.cache, environment, extras, tick)
    if found.unread:
        shown = ", ".join(found.unread[:8]) + (" …" if len(found.unread) > 8 else "")
        note = "cannot be asked which versions of others they accept, so these stay with the lock"
        click.echo(f"note: {shown}: {note}", err=True)
    return replace(knowledge, specifiers=found.ranges)


def with_inspections(
    knowledge: Knowledge, unknown: tuple[Candidate, ...], *, network: bool = True
) -> Knowledge:
    """Inspect the candidates and put what was found into the knowledge."""
    with _fetching("reading sdists", len(unknown)) as (fetcher, tick):
        findings = inspect_all(unknown, fetcher if network else None, fetcher.cache, tick)
    return replace(
        knowledge,
        inspected={f.name: f.inputs for f in findings if f.inputs is not None},
        external={
            **knowledge.external,
            **{f.name: f.external for f in findings if f.external is not None},
        },
        uninspected={f.name: f.why_not for f in findings if f.why_not},
    )


def _named(name: str, packages: tuple[ClassifiedPackage, ...]) -> ClassifiedPackage:
    from packaging.utils import canonicalize_name

    known = {package.name: package for package in packages}
    found = known.get(canonicalize_name(name))
    if found is not None:
        return found
    near = difflib.get_close_matches(name, known, n=1)
    raise UsageError(
        f"--explain: `{name}` is not in this environment" + (f"; did you mean `{near[0]}`?" if near else ""),
        hint="it may be in another group, extra or platform: see the selection options",
    )
