"""The pins that commands write: what they keep of those on disk, and what a Plan says anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from uvlock2nix.app.git_version import GitVersions
from uvlock2nix.app.missing_hashes import refuse_unlocked, with_hashes
from uvlock2nix.errors import InputError
from uvlock2nix.pins import Pins, read_pins

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
    from uvlock2nix.lock import Project
    from uvlock2nix.plan import Plan


def old_pins(path: Path, reporter: Reporter, *, force: bool) -> Pins | None:
    """The pins on disk; None if there are none or, with ``force``, if they cannot be read."""
    if not path.exists():
        return None
    try:
        return read_pins(path)
    except InputError as error:
        if not force:
            raise
        first = error.message.splitlines()[0].rstrip(":")
        reporter.note(
            f"{first}; the file is written again, without the hashes that it may have had;"
            " pass again the options that generate was called with before"
        )
        return None


def new_pins(
    plan: Plan,
    old: Pins | None = None,
    words: tuple[str, ...] = (),
    reporter: Reporter | None = None,
    versions: GitVersions | None = None,
    project: Project | None = None,
) -> Pins:
    """The pins for a Plan: existing hashes are kept; each names what it was made from.

    ``old`` are the pins on disk, ``words`` the options, ``versions`` the versions from git; ``project`` has
    the indexes, whose credentials are used.

    ``lock`` is kept as long as there is a hash: it names the lock that the hashes were made for, and only
    update-hash can decide that they still hold.
    """
    versions = versions or GitVersions()
    old = old or Pins(lock=plan.lock_sha256)
    new = with_plan(old, plan, words)._replace(
        version=versions.main,
        versions=versions.others,
        packages=(),
        logins=plan.login_hosts if plan.mode == "files" else (),
        found_collisions=plan.found_collisions,
    )
    if plan.mode == "files":
        # The hashes of mode `sync` are of no use here: those of the lock are used.
        refuse_unlocked(plan)
        packages = with_hashes(plan.fetches, old.packages, reporter, project)
        return new._replace(lock=plan.lock_sha256, hashes=(), packages=packages)
    current = all(old.has(one.system, one.key) for one in plan.systems)
    return new._replace(lock=plan.lock_sha256 if current or not old.hashes else old.lock)


def with_plan(pins: Pins, plan: Plan, words: tuple[str, ...] | None) -> Pins:
    """``pins`` with what they remember of a Plan, and the options (``words``) that it was made with.

    ``lock`` and the hashes stay as they are.
    """
    return pins._replace(
        exclude_newer=plan.exclude_newer,
        wheels=plan.read_wheels,
        generate=words,
        build=plan.build_pins,
    )


def needs_hash(plan: Plan, pins: Pins) -> bool:
    """Whether ``pins`` lack a hash that deps needs."""
    return plan.mode == "sync" and not all(pins.has(one.system, one.key) for one in plan.systems)
