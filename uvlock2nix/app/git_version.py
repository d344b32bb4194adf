"""The versions that a project's git repository says: by a tag, or by what a tool makes of later commits."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.version import InvalidVersion, Version

from uvlock2nix.dataclass import dataclass, replace

if TYPE_CHECKING:
    from uvlock2nix.lock import Project
    from uvlock2nix.pins import Pins
    from uvlock2nix.plan import Plan

_AFTER_PREFIX: Final = re.compile(r"(?:^|[^0-9.])(?P<version>[0-9]+(?:\.[0-9]+)*[0-9A-Za-z.+!-]*)\Z")


@dataclass(frozen=True, slots=True)
class Tagged:
    """The version of the newest tag that leads to what is checked out, the tag, whether it names HEAD."""

    version: str
    tag: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class GitVersions:
    """``main`` is the version of the project, ``others`` are local packages with a different one.

    ``origin`` says where ``main`` is from.
    """

    main: str | None = None
    others: tuple[tuple[str, str], ...] = ()
    origin: str = ""


def git_versions(
    plan: Plan, project: Project, old: Pins | None, note: Callable[[str], None], *, ask: bool
) -> GitVersions:
    """The versions of the local packages of a Plan that ask git for them.

    What ``old`` pins say holds where nothing is to be asked, and where there is no repository (an archive of
    the source): the commit that holds the pins is a later one than the one they were made in.
    """
    if not plan.version.from_git or plan.version.given:
        return GitVersions()
    known = GitVersions(old.version, old.versions, "as in the pins") if old is not None else GitVersions()
    if not ask and known.main is not None:
        return known
    tagged = version_of_git(project.root)
    asked = _asked(plan, project, note) if ask and (tagged is None or not tagged.here) else {}
    if asked:
        tools = dict(plan.version.from_git)
        name = plan.name if plan.name in asked else next(iter(asked))
        others = tuple(sorted((one, version) for one, version in asked.items() if version != asked[name]))
        return GitVersions(asked[name], others, f"as {tools[name]} says for this commit")
    if tagged is not None:
        return GitVersions(tagged.version, (), f"from the tag {tagged.tag}")
    return known


def _asked(plan: Plan, project: Project, note: Callable[[str], None]) -> dict[str, str]:
    # Building is loaded where something has to be asked.
    from uvlock2nix.app.asked_versions import asked_versions

    return asked_versions(plan, project, note)


def version_of_git(folder: Path) -> Tagged | None:
    """The greatest version that tags of ``folder``'s repository say, of those before HEAD; else None."""
    if (here := _greatest(folder, "--points-at")) is not None:
        return replace(here, here=True)
    return _greatest(folder, "--merged")


def _greatest(folder: Path, which: str) -> Tagged | None:
    from uvlock2nix.app.git import git  # most projects have nothing to ask

    answer = git(folder, "tag", which, "HEAD", "--sort=-creatordate", seconds=30) or b""
    tags = answer.decode(errors="replace").splitlines()
    found = [Tagged(version, tag) for tag in tags if (version := version_of_tag(tag))]
    return max(found, key=lambda one: Version(one.version), default=None)


def version_of_tag(tag: str) -> str:
    """``v1.2.3``, ``app-1.2.3`` → ``1.2.3``; ``""`` for a tag that is not a version."""
    match = _AFTER_PREFIX.search(tag)
    try:
        return str(Version(match["version"])) if match else ""
    except InvalidVersion:
        return ""
