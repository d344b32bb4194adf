"""Mode `files`: every fetch has a hash, and every build has locked requirements."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from uvlock2nix.errors import ProjectError
from uvlock2nix.fetches import Fetches, known_hashes, without_hash
from uvlock2nix.key import is_built
from uvlock2nix.nar import Hash
from uvlock2nix.plan import Plan
from uvlock2nix.temporary import temporary_folder

if TYPE_CHECKING:
    from uvlock2nix.app.reporter import Reporter
    from uvlock2nix.lock import Project


def with_hashes(
    wanted: Fetches, pinned: Fetches, reporter: Reporter | None, project: Project | None = None
) -> Fetches:
    """``wanted`` with a hash for every file: the lock's, else the pinned hash of its URL, else that of a
    download.

    The credentials are those of ``project``'s indexes.

    Raises:
        NetworkError: a file cannot be downloaded.
    """
    known = dict(known_hashes(pinned))
    for one in without_hash(wanted):
        if one.url not in known:
            known[one.url] = _hash_of(one.locked_url or one.url, project)
            if reporter is not None:
                reporter.note(f"{one.name}: the lock has no hash for {one.file}; pinned {known[one.url]}")
    return tuple(
        (
            system,
            tuple(replace(one, hash=known[one.url]) if one.url and not one.hash else one for one in listed),
        )
        for system, listed in wanted
    )


def _hash_of(url: str, project: Project | None) -> str:
    from uvlock2nix.build.indexes import logins  # slow to import, and rarely needed
    from uvlock2nix.net.locked import fetch

    given = logins(project, os.environ) if project is not None else None
    with temporary_folder() as folder:
        file = folder / "file"
        fetch(url, file, expected=None, logins=given)
        return Hash("sha256", _digest(file)).sri


def _digest(file: Path) -> bytes:
    import hashlib  # slow to import, and rarely needed

    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def refuse_unlocked(plan: Plan) -> None:
    """Check for mode `files` that every build requirement is locked.

    Raises:
        ProjectError: the build requirements of a package are not locked.
    """
    for one in plan.systems:
        built = {package.name for package in one.classes if is_built(package)}
        wanted = built | {member.name for member in plan.members}
        names = sorted(wanted - plan.build_pins.builds(one.system).keys())
        if names:
            raise ProjectError(
                f"{one.system}: the build requirements of {', '.join(names)} are not locked,"
                " which mode `files` requires",
                hint="run `uvlock2nix generate` on a machine with uv and network access, or use mode `sync`",
            )
