"""Check that a project's lock, generated files and hashes fit together."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from uvlock2nix.app.environments import each_environment, stale_folders
from uvlock2nix.app.remembered import command_line
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.request import Options
from uvlock2nix.app.state import state_of
from uvlock2nix.lock import check_lock_matches


@dataclass(frozen=True, slots=True)
class Checked:
    """``reasons``: what is out of date, one line each; ``steps``: the commands that fix it, in order."""

    reasons: tuple[str, ...]
    steps: tuple[str, ...]


def checked(project: Path, options: Options, reporter: Reporter) -> Checked:
    """Compare, without running Nix; by default, for every system that the files were generated for."""
    every = each_environment(project, options)
    states = [state_of(project, one, reporter, all_systems=not options.systems) for one in every]
    for state in states:
        for one in state.edited:
            edited = one.path.relative_to(state.root)
            reporter.note(f"{edited} was edited, so it is not compared with what generate would write")
    asked = states[0].asked.project
    name = asked.lock_path.name
    unlocked = [f"{name} does not match the project: {one}" for one in check_lock_matches(asked)]
    lock = "uv lock" if asked.script is None else f"uv lock --script {shlex.quote(str(project))}"
    steps = [lock] if unlocked else []
    stale = [
        f"{folder.relative_to(asked.root)} was generated for an environment that no longer exists"
        for folder in stale_folders(project, every[0])
    ]
    steps += [f"rm -r {shlex.quote(str(folder))}" for folder in stale_folders(project, every[0])]
    steps += [f"{state.generate} --force" for state in states if state.unfit()]
    reasons = [reason for state in states for reason in state.reasons()]
    if reasons or unlocked:
        steps += [command_line("update-hash", Options(), project)]
    return Checked((*unlocked, *reasons, *stale), tuple(steps))
