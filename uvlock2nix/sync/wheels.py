"""The wheels of locks that `uv sync` does not read: scripts' locks and pylock.toml."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from uvlock2nix.build.sources import archive
from uvlock2nix.build.values import Build, BuildContext
from uvlock2nix.errors import InputError
from uvlock2nix.lock import GitSource, Project
from uvlock2nix.sync.plan import Step, SyncPlan, source_of

AT_ONCE: Final = 8


def fetch_wheels(plan: SyncPlan, project: Project, context: BuildContext) -> dict[str, Path]:
    """Fetch every wheel of the plan, with its hash checked; name → file.

    Raises:
        NetworkError: a wheel cannot be downloaded.
        InputError: a wheel does not match the lock, or is in a git repository.
    """
    name = project.lock_path.name

    def fetch(step: Step) -> Path:
        if isinstance(step.package.source, GitSource):
            raise InputError(
                f"{step.package}: its wheel is in a git repository, which {name} cannot be installed from",
                hint="use the wheel's URL, or the sources that it is built from",
            )
        source = source_of(step, project.root)
        return archive(Build(step.package.name, step.package.version, source), context)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        files = list(pool.map(fetch, plan.wheels))
    return {step.package.name: file for step, file in zip(plan.wheels, files, strict=True)}
