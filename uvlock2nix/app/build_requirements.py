"""Lock build requirements: find out which are to be resolved, resolve them in parallel, make the new pins."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from uvlock2nix.app.build_subjects import EDITION, Subject, subjects
from uvlock2nix.build.indexes import index_flags, logins
from uvlock2nix.build_pins import BuildPins, Builds, LockedBuild, PinnedFile, merge_files
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.config import Config
from uvlock2nix.digest import rest_digest
from uvlock2nix.errors import InputError, NetworkError, ToolError, Uvlock2nixError
from uvlock2nix.held_back import limits, written
from uvlock2nix.lock import Project
from uvlock2nix.target import Target

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from uvlock2nix.app.build_resolver import Draft, Resolver
    from uvlock2nix.inspect.build_system import BuildFacts
    from uvlock2nix.net.fetch import Fetcher

Classified = Sequence[tuple[Target, Sequence[ClassifiedPackage]]]
_WORKERS = 4


class Locked(NamedTuple):
    """``pins`` are the build requirements of everything that is built, as far as they could be locked.

    ``missing`` maps a reason to the packages that could not be locked; ``renewed`` were resolved now;
    ``unsure`` maps a package to the reason why its backend may ask for more than is locked.
    """

    pins: BuildPins
    missing: Mapping[str, tuple[str, ...]]
    renewed: tuple[str, ...]
    unsure: Mapping[str, str]


class Fitting(NamedTuple):
    """``pins`` still fit; ``outdated`` packages have pins that do not, ``missing`` packages have none."""

    pins: BuildPins
    outdated: tuple[str, ...]
    missing: tuple[str, ...]


def fitting(project: Project, config: Config, classified: Classified, pins: BuildPins) -> Fitting:
    """The pins that still fit the project. Nothing is fetched and no program is run."""
    kept: list[tuple[Subject, LockedBuild]] = []
    outdated: dict[str, None] = {}
    missing: dict[str, None] = {}
    for subject in subjects(project, config, classified):
        locked = pins.builds(subject.target.system).get(subject.name)
        if locked is None:
            missing[subject.name] = None
        elif subject.fits(locked, _own_facts(subject)):
            kept.append((subject, locked))
        else:
            outdated[subject.name] = None
    return Fitting(_pins(pins, kept, ()), tuple(outdated), tuple(missing))


def lock_build_requirements(
    project: Project,
    config: Config,
    classified: Classified,
    old: BuildPins,
    fetching: Callable[[], AbstractContextManager[Fetcher]],
    *,
    upgrade: bool | Collection[str] = False,
) -> Locked:
    """Lock the build requirements of all that is built; entries of ``old`` that still fit are kept.

    ``fetching`` is called only if something has to be resolved.
    ``upgrade``: the packages (or all) whose build requirements are resolved again in any case.

    Raises:
        InputError: uv finds nothing that meets the build requirements of a package.
    """
    kept: list[tuple[Subject, LockedBuild]] = []
    stale: list[tuple[Subject, BuildFacts | None]] = []
    for subject in subjects(project, config, classified):
        locked, facts = old.builds(subject.target.system).get(subject.name), _own_facts(subject)
        renewed = upgrade is True or (not isinstance(upgrade, bool) and subject.name in upgrade)
        if locked is not None and not renewed and subject.fits(locked, facts):
            kept.append((subject, locked))
        else:
            stale.append((subject, facts))
    made = _Made((), {}, {})
    if stale:
        with fetching() as fetcher:
            made = _Resolver(project, config, fetcher).make(stale)
    pins = _pins(old, kept, made.results)
    names = dict.fromkeys(one.subject.name for one in made.results)
    return Locked(pins, made.missing, tuple(names), made.unsure)


class _Result(NamedTuple):
    subject: Subject
    draft: Draft
    built: tuple[str, ...]
    facts: BuildFacts
    unsure: str

    @property
    def made_from(self) -> str:
        """The digest of everything that decided the resolution."""
        return self.subject.made_from(self.facts if self.subject.member else None)


class _Made(NamedTuple):
    results: tuple[_Result, ...]
    missing: Mapping[str, tuple[str, ...]]
    unsure: Mapping[str, str]


class _Resolver(NamedTuple):
    """Resolves many packages in parallel."""

    project: Project
    config: Config
    fetcher: Fetcher

    def make(self, stale: Sequence[tuple[Subject, BuildFacts | None]]) -> _Made:
        """Resolve the build requirements of ``stale``. Raises InputError if some cannot be met."""
        from concurrent.futures import ThreadPoolExecutor

        from uvlock2nix.app.uv_resolve import Unresolvable, find_uv

        program = find_uv()
        if os.environ.get("UV_OFFLINE", "").lower() not in ("", "0", "false"):
            return _Made((), {"UV_OFFLINE is set": tuple(dict.fromkeys(one.name for one, _ in stale))}, {})
        names = tuple(dict.fromkeys(subject.name for subject, _ in stale))
        if program is None:
            return _Made((), {"uv is not installed, or not in PATH": names}, {})
        resolver = self._resolver(program)
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            results = list(pool.map(lambda entry: self._one(resolver, *entry), stale))
        made: list[_Result] = []
        wrong: list[str] = []
        unmet: dict[str, None] = {}
        missing: dict[str, dict[str, None]] = {}
        for (subject, _), result in zip(stale, results, strict=True):
            if isinstance(result, _Result):
                made.append(result)
            elif isinstance(result, Unresolvable):
                unmet[subject.name] = None
                wrong.append(f"{subject.what}, on {subject.target.system}:\n{result.message}")
            else:
                missing.setdefault(result.message.splitlines()[0], {})[subject.name] = None
        if wrong:
            raise InputError(
                "build requirements cannot be met:\n" + "\n".join(wrong), hint=_hint(tuple(unmet))
            )
        unsure = {one.subject.name: one.unsure for one in made if one.unsure}
        return _Made(tuple(made), {why: tuple(found) for why, found in missing.items()}, unsure)

    def _resolver(self, program: str) -> Resolver:
        from datetime import UTC, datetime

        from uvlock2nix.app.build_resolver import Resolver
        from uvlock2nix.app.uv_resolve import Uv

        uv = self.project.uv
        times = [
            f"--exclude-newer-package={name}={time or 'false'}" for name, time in uv.exclude_newer_package
        ]
        return Resolver(
            Uv(program, index_flags(self.project), uv.build_constraint_dependencies, tuple(times)),
            self.project.root,
            limits(datetime.now(UTC), uv.exclude_newer, self.config.string("exclude-newer")),
            self.fetcher,
            logins(self.project, os.environ),
        )

    def _one(
        self, resolver: Resolver, subject: Subject, facts: BuildFacts | None
    ) -> _Result | Uvlock2nixError:
        from uvlock2nix.app.build_facts import read_facts

        try:
            uploaded = subject.uploaded
            if facts is None:
                facts, uploaded = read_facts(subject, self.fetcher)
            known = _with_answer(subject, facts, resolver)
            requires, built = subject.requires(known)
            draft = resolver.draft(known, requires, uploaded, subject.target, of=(subject.name,))
        except (NetworkError, ToolError, InputError) as error:
            return error
        return _Result(subject, draft, built, facts, known.unsure)


def _with_answer(subject: Subject, facts: BuildFacts, resolver: Resolver) -> BuildFacts:
    """The facts with the backend's own answer, if only the backend knows and the code is the user's own."""
    if subject.member is None or not facts.unsure:
        return facts
    # Imported only if a backend has to be asked: most runs of generate need none of it.
    from uvlock2nix.app.ask_backend import asked

    try:
        answer = asked(subject, facts, resolver)
    except (ToolError, OSError) as error:
        said = str(error).splitlines()[0]
        return replace(facts, unsure=f"{facts.unsure}, and could not be asked: {said}")
    return replace(facts, dynamic=tuple(dict.fromkeys((*facts.dynamic, *answer))), unsure="")


def _hint(names: Sequence[str]) -> str:
    name = names[0] if len(names) == 1 else "<package>"
    return (
        f"under [tool.uvlock2nix.native.{name}], `build-requires` replaces a requirement of that name, and "
        "`relax` drops its version; for a local package, change [build-system] itself"
    )


def _own_facts(subject: Subject) -> BuildFacts | None:
    """The facts in a local package's files. None for a locked package, whose files never change."""
    if subject.member is None:
        return None
    from uvlock2nix.app.local_facts import local_facts

    return local_facts(subject.project.root / subject.member.path, subject.what)


def _pins(old: BuildPins, kept: Sequence[tuple[Subject, LockedBuild]], made: Sequence[_Result]) -> BuildPins:
    """The pins of the builds that were kept and those that were made."""
    held = [file for subject, locked in kept for file in old.reached(locked, subject.target.system)]
    new = [file for one in made for file in _files(one.draft)]
    ordered = sorted((*held, *new), key=lambda one: (one.filename, one.hash, one.url or "", one.path or ""))
    merged, keys = merge_files(ordered)
    writer = _Writer(keys, old)
    for subject, locked in kept:
        writer.keep(subject, locked)
    for one in made:
        writer.add(one)
    return BuildPins(merged, _sorted(writer.packages), _sorted(writer.sdists)).without_unused()


def _sorted(builds: Mapping[str, Mapping[str, LockedBuild]]) -> Builds:
    return tuple(
        (system, tuple(builds[system][name] for name in sorted(builds[system]))) for system in sorted(builds)
    )


@dataclass(slots=True)
class _Writer:
    """Collects builds by system and name; ``keys`` are of all files, ``old`` are the previous pins."""

    keys: Mapping[PinnedFile, str]
    old: BuildPins
    packages: dict[str, dict[str, LockedBuild]] = field(default_factory=dict)
    sdists: dict[str, dict[str, LockedBuild]] = field(default_factory=dict)

    def _key(self, file: PinnedFile) -> str:
        return self.keys[file._replace(key="")]

    def keep(self, subject: Subject, locked: LockedBuild) -> None:
        """Take over a build of the old pins that still fits."""
        system = subject.target.system
        self.packages.setdefault(system, {})[subject.name] = self._renamed(locked, subject.name)
        nested = self.old.nested(system)
        for file in self.old.reached(locked, system):
            if file.key in nested:
                again = self._renamed(nested[file.key], self._key(file))
                self.sdists.setdefault(system, {})[again.name] = again

    def _renamed(self, locked: LockedBuild, name: str) -> LockedBuild:
        """A build that is kept, with its files under their new keys."""
        files = self.old.by_key
        again = (
            tuple(sorted(self._key(files[key]) for key in part)) for part in (locked.files, locked.asked)
        )
        needed, asked = again
        return locked._replace(name=name, files=needed, asked=asked)

    def add(self, one: _Result) -> None:
        """Add a build that was resolved now."""
        system, draft = one.subject.target.system, one.draft
        made = self._locked(one.subject.name, one.subject.version, draft, one.made_from)
        made = made._replace(built=one.built, unsure=one.unsure)
        self.packages.setdefault(system, {})[made.name] = made
        for file, inner in _nested(draft):
            digest = rest_digest({"edition": EDITION, "file": file.hash, "requires": inner.requires})
            made = self._locked(self._key(file), file.version, inner, digest)
            self.sdists.setdefault(system, {}).setdefault(made.name, made)

    def _locked(self, name: str, version: str, draft: Draft, made_from: str) -> LockedBuild:
        needed, asked = (tuple(sorted(map(self._key, part))) for part in (draft.files, draft.asked))
        return LockedBuild(name, version, made_from, written(draft.time), draft.requires, needed, asked)


def _files(draft: Draft) -> list[PinnedFile]:
    inner = [file for _, nested in draft.sdists for file in _files(nested)]
    return [*draft.files, *draft.asked, *inner]


def _nested(draft: Draft) -> list[tuple[PinnedFile, Draft]]:
    inner = [entry for _, nested in draft.sdists for entry in _nested(nested)]
    return [*draft.sdists, *inner]
