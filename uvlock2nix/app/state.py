"""How a project stands: what is on disk, what should be, and what differs. For update-hash and check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from uvlock2nix.app.files import Generated
from uvlock2nix.app.planning import planned
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.request import Options, Request
from uvlock2nix.errors import UsageError
from uvlock2nix.flags import explicit_flags, selection_of_flags
from uvlock2nix.lock import Selection
from uvlock2nix.nixfile.generated import Recorded, read_generated
from uvlock2nix.nixrun.freshness import Freshness, compare
from uvlock2nix.nixrun.project import Files, project_files
from uvlock2nix.pins import Pins, read_pins
from uvlock2nix.plan import Plan
from uvlock2nix.target import this_system


@dataclass(frozen=True, slots=True)
class State:
    """A project as update-hash sees it.

    ``files`` are those that generate would write; ``rewritten`` those of them that are as we once wrote them
    and have to be written again; ``edited`` those that differ by somebody's hand, and are left as they are;
    ``moved`` is true where Nix has to evaluate other files than those on disk; ``wanted`` are the systems
    that were asked about.
    """

    paths: Files
    asked: Request
    plan: Plan
    pins: Pins
    recorded: Recorded
    files: tuple[Generated, ...]
    rewritten: tuple[Generated, ...]
    edited: tuple[Generated, ...]
    moved: bool
    wanted: tuple[str, ...]
    freshness: Freshness

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.asked.project.root

    @property
    def keys(self) -> Mapping[str, str]:
        """System → the key that the lock gives today."""
        return {one.system: one.key for one in self.plan.systems}

    def unfit(self) -> tuple[str, ...]:
        """The systems for which an edited python-deps.nix has another key than the lock gives."""
        if self.paths.expression not in {one.path for one in self.edited}:
            return ()
        return tuple(system for system, key in self.keys.items() if self.recorded.keys.get(system) != key)

    def reasons(self) -> tuple[str, ...]:
        """What is out of date, a line each; nothing when all is as it should be."""
        found = [
            f"{one.path.relative_to(self.root)} is not what generate would write" for one in self.rewritten
        ]
        found += [
            f"{self.paths.expression.relative_to(self.root)} was edited, and not for this lock ({system})"
            for system in self.unfit()
        ]
        found += [f"the hash of {system} {why}" for system, why in self.freshness.systems.items()]
        if self.freshness.lock:
            found.append(
                f"{self.paths.pins.relative_to(self.root)} was made from another {self.plan.lock_name}"
            )
        return tuple(found)


def state_of(project: Path, options: Options, reporter: Reporter, *, all_systems: bool = False) -> State:
    """Read the project and compare; no Nix is run.

    What python-deps.nix was generated for (systems, and selection, Python and C library where nothing is
    said now) is read from it, so that flags given to generate need not be given again.

    Raises:
        UsageError: the selection asked for now is another one than the file was generated for.
    """
    paths = project_files(project)
    recorded = read_generated(paths.expression.read_text(encoding="utf-8"), str(paths.expression))
    found = planned(project, _remembered(options, recorded), reporter)
    plan, files = found.plan, found.files
    paths = replace(paths, lock=found.asked.project.lock_path)
    _same_selection(plan, recorded, paths)
    pins = read_pins(paths.pins)
    keys = {one.system: one.key for one in plan.systems}
    wanted = _wanted(options.systems, keys, all_systems=all_systems)
    differing = [one for one in found.changed if one.path != paths.pins]
    rewritten = tuple(one for one in differing if not one.edited)
    return State(
        paths=paths,
        asked=found.asked,
        plan=plan,
        pins=pins,
        recorded=recorded,
        files=files,
        rewritten=rewritten,
        edited=tuple(one for one in differing if one.edited),
        moved=bool(rewritten) or pins.exclude_newer != plan.exclude_newer,
        wanted=wanted,
        freshness=compare(pins, plan.lock_sha256, {system: keys[system] for system in wanted}),
    )


def _remembered(options: Options, recorded: Recorded) -> Options:
    """The options with what the generated file says in the place of what is not given."""
    selection = options.selection
    return replace(
        options,
        systems=tuple(dict.fromkeys((*recorded.keys, *options.systems))),
        python=options.python or recorded.python or None,
        libc=options.libc or recorded.libc.replace(" ", "-") or None,
        selection=selection if selection != Selection() else selection_of_flags(recorded.flags),
    )


def _wanted(given: tuple[str, ...], keys: Mapping[str, str], *, all_systems: bool) -> tuple[str, ...]:
    if all_systems:
        return tuple(keys)
    if given:
        return tuple(dict.fromkeys(given))
    return (this_system(),) if this_system() in keys else tuple(keys)[:1]


def _same_selection(plan: Plan, recorded: Recorded, paths: Files) -> None:
    flags = tuple(explicit_flags(plan.selection))
    if set(flags) == set(recorded.flags) and plan.python == (recorded.python or plan.python):
        return
    then = " ".join(recorded.flags) or "the defaults"
    now = " ".join(flags) or "the defaults"
    if plan.python != recorded.python:
        then, now = f"{then}, Python {recorded.python}", f"{now}, Python {plan.python}"
    raise UsageError(
        f"{paths.expression} was generated for {then}; this asks for {now}",
        hint="run `uvlock2nix generate` with what you want; write it under [tool.uvlock2nix] to keep it",
    )
