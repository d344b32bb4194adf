"""The build requirements of a Plan: locked where possible, else held back in time; and the notes on that."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from uvlock2nix.app.build_requirements import Classified, Locked, fitting, lock_build_requirements
from uvlock2nix.build.indexes import logins
from uvlock2nix.build_pins import BuildPins
from uvlock2nix.cache import cache_dir
from uvlock2nix.config import Config
from uvlock2nix.digest import hold_back
from uvlock2nix.held_back import attempts, limits, written
from uvlock2nix.lock import Project
from uvlock2nix.pins import Pins
from uvlock2nix.printable import first_of

if TYPE_CHECKING:
    from uvlock2nix.net.fetch import HttpFetcher

SHOWN = 8


class BuildLock(NamedTuple):
    """``pins`` are the locked build requirements; ``exclude_newer`` is the time that holds back all others.

    ``outdated`` are packages whose build requirements in the pins on disk no longer fit; it is filled only if
    nothing is to be resolved.
    """

    pins: BuildPins
    exclude_newer: str
    outdated: tuple[str, ...] = ()


def locked_now(
    project: Project,
    config: Config,
    classified: Classified,
    old: Pins | None,
    note: Callable[[str], None],
    *,
    upgrade: bool | Collection[str] = False,
) -> BuildLock:
    """Lock what is not locked yet or no longer fits; ``old`` are the pins on disk.

    Raises:
        InputError: uv finds nothing that meets the build requirements of a package.
    """
    time = _fallback(project, config, classified, old)
    before = old.build if old is not None else BuildPins()

    def fetching() -> HttpFetcher:
        from uvlock2nix.net.fetch import HttpFetcher

        return HttpFetcher(cache_dir(), logins=logins(project, os.environ))

    locked = lock_build_requirements(project, config, classified, before, fetching, upgrade=upgrade)
    for text in _notes(locked, time):
        note(text)
    return BuildLock(locked.pins, time)


def locked_before(
    project: Project, config: Config, classified: Classified, old: Pins | None, note: Callable[[str], None]
) -> BuildLock:
    """The part of the pins on disk that still fits; nothing is resolved."""
    found = fitting(project, config, classified, old.build if old is not None else BuildPins())
    time = old.exclude_newer if old is not None else None
    if found.missing and time is not None:
        note(f"the build requirements of {_shown(found.missing)} are not locked, only held back to {time}")
    outdated = (*found.outdated, *(found.missing if time is None else ()))
    return BuildLock(found.pins, time or _fallback(project, config, classified, old), outdated)


def _fallback(project: Project, config: Config, classified: Classified, old: Pins | None) -> str:
    """The time that holds back what cannot be locked: that of the newest file, if builds work at that time.

    If the lock has no times, it is when the pins were first written.
    """
    from datetime import UTC, datetime

    newest = hold_back(one.package.package for _, classes in classified for one in classes)
    own = config.string("exclude-newer")
    if newest is None and own is None and old is not None and old.exclude_newer is not None:
        return old.exclude_newer
    minor = classified[0][0].python.minor_number
    allowed = limits(datetime.now(UTC), project.uv.exclude_newer, own)
    return written(attempts(newest, minor, allowed)[0])


def _notes(locked: Locked, time: str) -> list[str]:
    found = [
        f"the build requirements of {_shown(names)} could not be locked: {why}; in deps they are held back "
        f"to {time}"
        for why, names in locked.missing.items()
    ]
    if locked.unsure:
        whose = "its backend asks" if len(locked.unsure) == 1 else "their backends ask"
        found.append(
            f"{_shown(tuple(locked.unsure))}: what {whose} for in addition to the declared requirements is"
            " known only during the build, and is held back then"
        )
    return found


def _shown(names: Collection[str]) -> str:
    return first_of(tuple(names), SHOWN)
