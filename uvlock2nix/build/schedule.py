"""Run builds in parallel, each as soon as the builds that it requires are done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from uvlock2nix.build.environment import Requirements, clean
from uvlock2nix.build.pinned import Pinned
from uvlock2nix.build.requirements import BuildSystem
from uvlock2nix.build.sources import prepare
from uvlock2nix.build.values import Build, BuildContext
from uvlock2nix.build.wheel import build_wheel
from uvlock2nix.build_pins import LockedBuild
from uvlock2nix.names import canonicalize_name


def build_all(
    builds: Sequence[Build],
    context: BuildContext,
    requirements: Requirements,
    workers: int,
    pinned: Pinned | None = None,
) -> dict[str, Path]:
    """Build every package; return name → wheel.

    The sources are fetched first, in parallel, because they declare what a build requires, unless ``pinned``
    has it. Then each build starts when those that it requires are ready; a cycle is broken in the given
    order.

    Raises:
        Uvlock2nixError: the first failure; running builds are stopped, and no other is started.
    """
    by_name = {build.name: build for build in builds}
    with ThreadPoolExecutor(max_workers=max(workers, 4)) as pool:
        prepared = dict(zip(by_name, pool.map(lambda build: prepare(build, context), builds), strict=True))
    locked = {name: pinned.of(name) if pinned is not None else None for name in by_name}
    needs = {
        name: _required(build, prepared[name][1], set(by_name), locked[name]) - {name}
        for name, build in by_name.items()
    }

    def run(name: str, ready: Mapping[str, Path]) -> Path:
        build = by_name[name]
        start = time.monotonic()
        context.run.say(f"uvlock2nix: building {name} {build.version or ''}")
        wheel = build_wheel(build, context, requirements, ready, prepared[name])
        clean(build, context)
        context.run.say(f"uvlock2nix: built {wheel.name} in {time.monotonic() - start:.0f} s")
        return wheel

    return _run_graph(needs, run, workers, context.run.stop)


def _required(
    build: Build, system: BuildSystem, names: set[str], locked: LockedBuild | None = None
) -> set[str]:
    """Which of ``names`` the build gets: those in its pins, else those that it requires."""
    if locked is not None:
        return set(locked.built) & names
    found: set[str] = set()
    for text in (*system.requires, *build.native.build_requires):
        try:
            found.add(canonicalize_name(Requirement(text).name))
        except InvalidRequirement:
            continue  # the build itself reports this, with the package's name
    return found & names


def _run_graph(
    needs: Mapping[str, set[str]],
    run: Callable[[str, Mapping[str, Path]], Path],
    workers: int,
    stop: Callable[[BaseException], None],
) -> dict[str, Path]:
    done: dict[str, Path] = {}
    waiting = list(needs)
    running: dict[Future[Path], str] = {}
    workers = max(1, workers)
    users = Counter(needed for names in needs.values() for needed in names)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while waiting or running:
            free = [name for name in waiting if needs[name] <= done.keys()]
            # First those that others wait for.
            free.sort(key=lambda name: -users[name])
            if not free and not running:
                free = waiting[:1]
            for name in free[: max(0, workers - len(running))]:
                waiting.remove(name)
                ready = {other: done[other] for other in needs[name] if other in done}
                running[pool.submit(run, name, ready)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in sorted(finished, key=lambda one: running[one]):
                name = running.pop(future)
                try:
                    done[name] = future.result()
                except BaseException as error:
                    waiting.clear()
                    stop(error)
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
    return done
