"""The state of a project for update-hash and check: what is on disk, what should be, and the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from uvlock2nix.app.files import Generated
from uvlock2nix.app.planning import Resolving, planned_as
from uvlock2nix.app.remembered import command_line, over, remembered, words_of
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.request import Options, Request, request
from uvlock2nix.errors import UsageError
from uvlock2nix.flags import explicit_flags
from uvlock2nix.nixfile.generated import Recorded
from uvlock2nix.nixrun.freshness import Freshness, compare
from uvlock2nix.nixrun.project import Files, project_files
from uvlock2nix.pins import Pins
from uvlock2nix.plan import Plan
from uvlock2nix.target import this_system


@dataclass(frozen=True, slots=True)
class State:
    """A project as update-hash sees it.

    ``files`` are those that generate would write; ``rewritten`` those of them that we wrote and that have to
    be written again; ``edited`` those with edits by hand, which are left alone; ``options`` are the options
    given now over the recorded ones, ``words`` those that the pins will record; ``moved`` is true if Nix has
    to evaluate other files than those on disk; ``wanted`` are the requested systems. ``outdated`` packages
    have no fitting build requirements in the pins.
    """

    paths: Files
    asked: Request
    plan: Plan
    pins: Pins
    options: Options
    words: tuple[str, ...] | None
    recorded: Recorded
    files: tuple[Generated, ...]
    rewritten: tuple[Generated, ...]
    edited: tuple[Generated, ...]
    moved: bool
    wanted: tuple[str, ...]
    freshness: Freshness
    outdated: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.asked.project.root

    @property
    def keys(self) -> Mapping[str, str]:
        """System → the key for the current lock."""
        return {one.system: one.key for one in self.plan.systems}

    @property
    def generate(self) -> str:
        """The command that generates the files of the Plan."""
        return command_line("generate", self.options, self.root)

    @property
    def update_hash(self) -> str:
        """The command that updates the hash of the project."""
        return command_line("update-hash", Options(), self.root)

    def unfit(self) -> tuple[str, ...]:
        """The systems for which an edited python-deps.nix has a different key than the lock."""
        if self.paths.expression not in {one.path for one in self.edited}:
            return ()
        return tuple(system for system, key in self.keys.items() if self.recorded.keys.get(system) != key)

    def reasons(self) -> tuple[str, ...]:
        """What is out of date, one line each; empty if nothing is."""
        found = [
            f"{one.path.relative_to(self.root)} differs from what generate would write"
            for one in self.rewritten
        ]
        found += [
            f"{self.paths.expression.relative_to(self.root)} was edited, and does not match"
            f" the lock ({system})"
            for system in self.unfit()
        ]
        if self.outdated:
            names = ", ".join(self.outdated[:8]) + (" …" if len(self.outdated) > 8 else "")
            found.append(f"the pins have no build requirements, or outdated ones, for: {names}")
        found += [f"the hash of {system} {why}" for system, why in self.freshness.systems.items()]
        if self.freshness.lock:
            found.append(
                f"{self.paths.pins.relative_to(self.root)} was made from a different {self.plan.lock_name}"
            )
        environment = self.plan.environment
        return tuple(f"{environment}: {reason}" if environment else reason for reason in found)


def state_of(
    project: Path,
    options: Options,
    reporter: Reporter,
    *,
    all_systems: bool = False,
    resolving: Resolving | None = None,
) -> State:
    """Read the project and compare, without running Nix.

    The recorded options of generate are read back, and the given ones override them. Build requirements are
    resolved only if ``resolving`` says so.

    Raises:
        UsageError: the selection differs from the one that the files were generated for.
    """
    paths = project_files(project, options.environment or "")
    then, recorded, pins = remembered(paths)
    merged = over(replace(options, systems=()), then.options)
    asked = request(project, merged, before=then.before, more_systems=options.systems)
    merged = _with_systems(merged, options, recorded)
    found = planned_as(asked, pins, merged, reporter, resolving or Resolving(missing=False))
    plan = found.plan
    paths = replace(paths, lock=asked.project.lock_path)
    _same_selection(plan, options, recorded, paths, command_line("generate", merged, asked.project.root))
    keys = {one.system: one.key for one in plan.systems}
    wanted = _wanted(options.systems, keys, all_systems=all_systems)
    by_files = plan.mode == "files"
    # In mode `files`, the pins follow from the lock; in mode `sync`, their hashes come from builds.
    differing = [one for one in found.changed if by_files or one.path != paths.pins]
    rewritten = tuple(one for one in differing if not one.edited)
    return State(
        paths=paths,
        asked=asked,
        plan=plan,
        pins=pins,
        options=merged,
        words=words_of(merged) if rewritten else pins.generate,
        recorded=recorded,
        files=found.files,
        rewritten=rewritten,
        edited=tuple(one for one in differing if one.edited),
        moved=bool(rewritten) or (pins.exclude_newer, pins.build) != (plan.exclude_newer, plan.build_pins),
        wanted=wanted,
        freshness=Freshness({}, lock=False)
        if by_files
        else compare(pins, plan.lock_sha256, {system: keys[system] for system in wanted}),
        outdated=found.outdated,
    )


def _with_systems(merged: Options, now: Options, recorded: Recorded) -> Options:
    """The options with the newly added systems, which are recorded."""
    added = tuple(one for one in dict.fromkeys(now.systems) if one not in recorded.keys)
    return replace(merged, systems=(*(merged.systems or recorded.keys), *added)) if added else merged


def _wanted(given: tuple[str, ...], keys: Mapping[str, str], *, all_systems: bool) -> tuple[str, ...]:
    if all_systems:
        return tuple(keys)
    if given:
        return tuple(dict.fromkeys(given))
    return (this_system(),) if this_system() in keys else tuple(keys)[:1]


def _same_selection(plan: Plan, now: Options, recorded: Recorded, paths: Files, command: str) -> None:
    """Refuse to generate different files in passing: the selection must be the files' own."""
    flags = tuple(explicit_flags(plan.selection))
    selection = now.selects and set(flags) != set(recorded.flags)
    python = now.python is not None and plan.python != (recorded.python or plan.python)
    if not selection and not python:
        return
    before = " ".join(recorded.flags) or "the defaults"
    asked = " ".join(flags) or "the defaults"
    if plan.python != recorded.python:
        before, asked = f"{before}, Python {recorded.python}", f"{asked}, Python {plan.python}"
    raise UsageError(
        f"{paths.expression} was generated for {before}; this asks for {asked}",
        hint=f"to change it, run `{command}`; to always use it, write it under [tool.uvlock2nix]",
    )
