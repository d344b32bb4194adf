"""Versions from a project's git repository: from a tag, or computed by a tool for later commits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.version import InvalidVersion, Version

from uvlock2nix.regex import regex

if TYPE_CHECKING:
    from uvlock2nix.lock import Project
    from uvlock2nix.pins import Pins
    from uvlock2nix.plan import Plan

_AFTER_PREFIX: Final = regex(r"(?:^|[^0-9.])(?P<version>[0-9]+(?:\.[0-9]+)*[0-9A-Za-z.+!-]*)\Z")


class Tagged(NamedTuple):
    """The version of the newest tag among HEAD's ancestors, the tag, and whether it is on HEAD."""

    version: str
    tag: str
    here: bool = False


class GitVersions(NamedTuple):
    """``main`` is the version of the project, ``others`` are local packages with a different one.

    ``origin`` says where ``main`` comes from.
    """

    main: str | None = None
    others: tuple[tuple[str, str], ...] = ()
    origin: str = ""


def git_versions(
    plan: Plan, project: Project, old: Pins | None, note: Callable[[str], None], *, ask: bool
) -> GitVersions:
    """The versions of the local packages of a Plan that take theirs from git.

    The versions in the ``old`` pins hold if git is not to be asked, or if there is no repository (as in a
    source archive): the commit that contains the pins is later than the one they were made for.
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
        where = "for this commit" if tagged is not None else "where there is no tag"
        return GitVersions(asked[name], others, f"as {tools[name]} computes {where}")
    if tagged is not None:
        return GitVersions(tagged.version, (), f"from the tag {tagged.tag}")
    return known


def _asked(plan: Plan, project: Project, note: Callable[[str], None]) -> dict[str, str]:
    # Imported only if something has to be asked.
    from uvlock2nix.app.asked_versions import asked_versions

    return asked_versions(plan, project, note)


def version_of_git(folder: Path) -> Tagged | None:
    """The greatest version among the tags of HEAD and its ancestors in ``folder``'s repository, or None."""
    if (here := _greatest(folder, "--points-at")) is not None:
        return here._replace(here=True)
    return _greatest(folder, "--merged")


def _greatest(folder: Path, which: str) -> Tagged | None:
    from uvlock2nix.app.git import git  # most projects never get here

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
