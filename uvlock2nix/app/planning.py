"""Planning: classes become a Plan, and a Plan becomes the files that ``generate`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uvlock2nix.app.build_lock import BuildLock, locked_before, locked_now
from uvlock2nix.app.build_requirements import Classified
from uvlock2nix.app.collisions import notes
from uvlock2nix.app.extras import extra_files, is_standalone
from uvlock2nix.app.files import Generated
from uvlock2nix.app.gather import Effort, classified, knowledge_of, policy_of
from uvlock2nix.app.git_version import GitVersions, git_versions
from uvlock2nix.app.new_pins import new_pins, old_pins
from uvlock2nix.app.remarks import (
    on_classes,
    on_doubts,
    on_empty,
    on_logins,
    on_logins_in_mode_files,
    on_opened,
    on_typelibs,
)
from uvlock2nix.app.remembered import words_of
from uvlock2nix.app.request import Options, Request, in_member, request
from uvlock2nix.app.script_programs import Programs, carried, with_programs, with_read_programs
from uvlock2nix.app.wheel_libraries import on_wheel_libraries, recorded_needs, with_read_wheels
from uvlock2nix.collision_pins import FoundCollisions
from uvlock2nix.emit import deps_file, env_file, package_file
from uvlock2nix.emit.common import DEPS, ENV, PACKAGE, PINS
from uvlock2nix.emit.remarks import attribute_remarks
from uvlock2nix.errors import UsageError
from uvlock2nix.exposed import declared_twice, without_programs
from uvlock2nix.pins import Pins, render
from uvlock2nix.plan import Plan, make_plan
from uvlock2nix.wheel_pins import WheelNeeds

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
    from uvlock2nix.app.sdist_crates import CrateLock


class Planned(NamedTuple):
    """The request, its Plan, and the files with what is on disk; ``pins`` are those in the files.

    ``outdated``: the packages without fitting build requirements in the pins; empty if these were resolved.
    """

    asked: Request
    plan: Plan
    files: tuple[Generated, ...]
    pins: Pins
    outdated: tuple[str, ...] = ()
    versions: GitVersions = GitVersions()

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.asked.project.root

    @property
    def changed(self) -> tuple[Generated, ...]:
        """The files that have to be written."""
        return tuple(one for one in self.files if one.old != one.text)


class Resolving(NamedTuple):
    """Whether to resolve build requirements that are not locked yet, and to resolve the others again.

    ``versions``: whether git and its tools are asked for versions; else those in the pins are used.
    """

    missing: bool = True
    upgrade: bool = False
    versions: bool = False


def planned(
    project: Path,
    options: Options,
    reporter: Reporter,
    *,
    force: bool = False,
    compare: bool = False,
    resolving: Resolving | None = None,
) -> Planned:
    """All that ``generate`` would write for ``project``; nothing is written.

    ``force``: unreadable pins are given up. ``compare``: options that lead to the same files are not a
    difference.

    Raises:
        UsageError, InputError, ProjectError: the request or the project is invalid.
        NoArtifactError: a package has no file for a target.
    """
    asked = request(project, options)
    if (inside := in_member(options, asked)) != options:
        options, asked = inside, request(project, inside)
    place = asked.project.root / asked.project.folder / PINS
    old = old_pins(place, reporter, force=force)
    if old is not None and old.generate is not None and set(old.generate) != set(words_of(options)):
        then, now = " ".join(old.generate), " ".join(words_of(options))
        reporter.note(
            f"the last generate was called with {then or 'no options'}, this one with {now or 'none'}"
        )
    words = old.generate if compare and old is not None else None
    resolving = (resolving or Resolving())._replace(versions=not compare)
    return planned_as(asked, old, options, reporter, resolving, words)


def planned_as(
    asked: Request,
    old: Pins | None,
    options: Options,
    reporter: Reporter,
    resolving: Resolving,
    words: tuple[str, ...] | None = None,
) -> Planned:
    """As :func:`planned`, for a request; ``old`` are the pins on disk, ``words`` the options to record."""
    for note in asked.notes:
        reporter.note(note)
    plan, outdated = _plan_of(asked, old, reporter, resolving)
    root = asked.project.root
    if is_standalone(root / plan.folder, options.extras):
        plan = plan._replace(standalone=True)
    versions = git_versions(plan, asked.project, old, reporter.note, ask=resolving.versions)
    words = words_of(options) if words is None else words
    pins = new_pins(plan, old, words, reporter, versions, asked.project)
    files = (*generated(plan, root, pins), *extra_files(plan, asked.config, root, options.extras))
    return Planned(asked, plan, files, pins, outdated, versions)


def _plan_of(
    asked: Request, old: Pins | None, reporter: Reporter, resolving: Resolving
) -> tuple[Plan, tuple[str, ...]]:
    """Classify for every target, lock the build requirements, and make the Plan.

    Raises:
        UsageError: for a free-threaded Python, which `classify` supports but generated files do not.
    """
    if asked.target.python.freethreaded:
        python = asked.target.python
        raise UsageError(
            f"a free-threaded Python ({python}) is not supported yet",
            hint=f"choose the default build: --python {python.minor}",
        )
    knowledge = knowledge_of(asked, reporter)
    policy = policy_of(asked, reporter)
    every = []
    read: dict[str, WheelNeeds] = {}
    effort = Effort(
        repeatable=True, recorded=recorded_needs(asked.project.root / asked.project.folder / PINS)
    )
    for target in asked.targets:
        learnt, packages = classified(asked, knowledge, policy, target, effort, reporter)
        recorded = effort.recorded.get(target.system) if effort.recorded else None
        needs = carried(learnt.read_wheels, recorded, {one.name for one in packages})
        if needs is not None:
            read[target.system] = needs
        if not packages:
            reporter.note(on_empty(asked))
        for note in on_classes(packages, learnt, policy):
            reporter.note(note)
        every.append((target, packages))
    found = _build_lock(asked, every, old, reporter, resolving)
    crates = _crates(asked, every, reporter)
    plan = make_plan(
        asked.project,
        asked.selection,
        asked.config,
        every,
        exclude_newer=found.exclude_newer,
        build_pins=found.pins,
        mode=asked.mode,
        crates={name: one.path for name, one in crates.items()},
    )
    plan = with_read_wheels(plan, read)
    if plan.mode == "files":
        collisions, programs = _collisions(asked, plan, old, reporter)
        texts = tuple((one.path, one.text) for one in crates.values())
        plan = with_read_programs(
            plan._replace(crates=texts, found_collisions=collisions), programs, whole=False
        )
    plan, notes = with_programs(plan, asked.project.root)
    for note in notes:
        reporter.note(note)
    return plan, found.outdated


def _crates(asked: Request, every: Classified, reporter: Reporter) -> Mapping[str, CrateLock]:
    """The Cargo.lock of each package built with cargo, in mode `files`; in mode `sync`, cargo fetches."""
    if asked.mode != "files":
        return {}
    from uvlock2nix.app.sdist_crates import sdist_crates

    return sdist_crates(every, asked.project, asked.project.folder, reporter)


def _collisions(
    asked: Request, plan: Plan, old: Pins | None, reporter: Reporter
) -> tuple[FoundCollisions, Mapping[str, Programs]]:
    """The collisions of wheels and the interpreters of scripts, in mode `files` alone."""
    from uvlock2nix.app.wheel_collisions import wheel_collisions

    recorded = dict(old.found_collisions) if old is not None else {}
    found, programs = [], {}
    for one in sorted(plan.systems, key=lambda one: one.system):
        before = recorded.get(one.system)
        wheels, programs[one.system] = wheel_collisions(
            one.classes, plan.members, one.target, asked.project, before, reporter
        )
        found.append((one.system, wheels))
    return tuple(found), programs


def _build_lock(
    asked: Request, every: Classified, old: Pins | None, reporter: Reporter, resolving: Resolving
) -> BuildLock:
    """The build requirements: those of the pins that fit, and those resolved now."""
    if not (resolving.missing or resolving.upgrade):
        return locked_before(asked.project, asked.config, every, old, reporter.note)
    with reporter.steps("locking build requirements", 1) as done:
        found = locked_now(asked.project, asked.config, every, old, reporter.note, upgrade=resolving.upgrade)
        done(1)
    return found


def generated(plan: Plan, root: Path, pins: Pins) -> tuple[Generated, ...]:
    """The files of a Plan, with ``pins``, and what is on disk."""
    folder = root / plan.folder
    return (
        Generated.of(folder / DEPS, deps_file(plan)),
        Generated.of(folder / ENV, env_file(plan)),
        Generated.of(folder / PACKAGE, package_file(plan)),
        *(Generated.of(root / path, text, ours=True) for path, text in plan.crates),
        Generated.of(folder / PINS, render(pins), ours=True),
    )


def on_plan(found: Planned) -> tuple[str, ...]:
    """Notes on the Plan that the files alone do not show."""
    plan = found.plan
    bare = "" if plan.script else without_programs(plan.members, plan.exposed)
    return (
        *on_logins(found.asked.project),
        *on_logins_in_mode_files(plan),
        *on_doubts(plan),
        *on_version(plan, found.versions),
        *attribute_remarks(plan),
        *on_wheel_libraries(plan),
        *on_opened(plan),
        *on_typelibs(plan),
        *declared_twice(plan.members),
        *((bare,) if bare else ()),
    )


def on_version(plan: Plan, versions: GitVersions) -> tuple[str, ...]:
    """Which version is used where it comes from git, which builds do not have."""
    if not plan.version.from_git:
        return ()
    names = ", ".join(f"{name} ({tool})" for name, tool in plan.version.from_git)
    subject, verb = ("version", "comes") if len(plan.version.from_git) == 1 else ("versions", "come")
    note = f"the {subject} of {names} {verb} from git, which the build does not have; using"
    if plan.version.given:
        return (f"{note} {plan.version.given}",)
    used = f"{versions.main}, {versions.origin}" if versions.main else "0.0.0: no tag names a version"
    others = "".join(f"; {name} {version}" for name, version in versions.others)
    return (
        f"{note} {used}{others}. Set it with [tool.uvlock2nix] version, or pass `version` to package.nix",
    )


def on_collisions(found: Planned) -> tuple[str, ...]:
    """Notes on paths of several packages, from the pins or from comparing wheels."""
    if found.plan.mode == "files":
        from uvlock2nix.app.wheel_collisions import on_wheel_collisions

        return tuple(on_wheel_collisions(found.plan))
    keys = {one.system: one.key for one in found.plan.systems}
    return notes(found.pins, keys, found.plan.members)
