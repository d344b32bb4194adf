"""Install wheels with ``uv sync --frozen``, built ones from their files, and decide collisions."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from uvlock2nix.build.programs import Runner
from uvlock2nix.dist.installed import Collision, winner
from uvlock2nix.dist.scripts import neutral_shebang
from uvlock2nix.flags import explicit_flags
from uvlock2nix.lock import Project, Selection
from uvlock2nix.regex import regex

# uv's store path contains its version.
_IN_STORE: Final = regex(r"/[0-9a-z]{32}-uv-([0-9]+)\.([0-9]+)\.([0-9]+)/bin/uv\Z")


@dataclass(frozen=True, slots=True)
class Uv:
    """uv with the environment and interpreter shared by all its calls.

    ``platform`` is uv's name of the platform to install for, ``""`` for that of ``python``.
    """

    run: Runner
    program: str
    python: Path
    env: Mapping[str, str]
    project: Path
    target: Path
    platform: str = ""

    def sync(self, flags: Sequence[str], *, what: str = "uv sync") -> None:
        """``uv sync --frozen`` into the target environment."""
        arguments = [self.program, "sync", "--frozen", "--quiet", "--python", str(self.python)]
        arguments += self._platform()
        self.run([*arguments, *flags], what=what, env=self.env, cwd=self.project)

    def make(self) -> None:
        """Create the target as an empty environment."""
        arguments = [self.program, "venv", "--quiet", "--no-project", "--python", str(self.python)]
        self.run([*arguments, str(self.target)], what="uv venv", env=self.env, cwd=self.project)

    def knows_no_default_groups(self) -> bool:
        """Whether this uv's ``sync`` has ``--no-default-groups``, which came with 0.5.18."""
        if found := _IN_STORE.search(self.program):
            return tuple(map(int, found.groups())) >= (0, 5, 18)
        shown = self.run([self.program, "sync", "--help"], what="uv", env=self.env, cwd=self.project)
        return "--no-default-groups" in shown

    def elsewhere(self, target: Path) -> Uv:
        """The same uv with a different target environment."""
        env = {**self.env, "UV_PROJECT_ENVIRONMENT": str(target), "UV_LINK_MODE": "copy"}
        return replace(self, env=env, target=target)

    def install_files(self, wheels: Sequence[Path]) -> None:
        """Install wheel files, and nothing else, into the target environment."""
        if not wheels:
            return
        arguments = [self.program, "pip", "install", "--quiet", "--no-deps", "--no-index", "--reinstall"]
        arguments += self._platform()
        arguments += ["--python", str(self.target / "bin" / "python"), "--", *map(str, wheels)]
        self.run(arguments, what="installing the built wheels", env=self.env, cwd=self.target)

    def _platform(self) -> list[str]:
        return ["--python-platform", self.platform] if self.platform else []


def selection_flags(project: Project, selection: Selection, *, knows_no_default_groups: bool) -> list[str]:
    """uv's flags for a selection.

    ``--no-default-groups`` (0.5.18) is newer than the uv of some nixpkgs. An older uv gets the names of the
    groups, and ignores unknown ones; for a newer uv these are an error.
    """
    flags = [flag for flag in explicit_flags(selection) if flag != "--default-groups"]
    if selection.default_groups or selection.only_groups or selection.only_dev:
        return flags
    if knows_no_default_groups:
        return [*flags, "--no-default-groups"]
    if not selection.all_groups:
        # uv prefers excluding a group over including it, so selected groups are not excluded.
        asked = {*selection.groups, *(("dev",) if selection.dev else ())}
        left_out = [name for name in default_groups(project) if name not in asked]
        flags += [f"--no-group={name}" for name in left_out]
    return flags


def default_groups(project: Project) -> tuple[str, ...]:
    """All groups that uv would include by default, of the root and of the members."""
    found: dict[str, None] = {}
    declared = [(project.root_default_groups, project.root_groups)]
    declared += [(member.default_groups, member.groups) for member in project.members]
    for defaults, groups in declared:
        found.update(
            dict.fromkeys(groups if defaults == "all" else ("dev",) if defaults is None else defaults)
        )
    return tuple(found)


def not_built(names: Iterable[str]) -> list[str]:
    """uv's flags to fail instead of building one of these; ``--no-build`` refuses virtual projects too."""
    return [f"--no-build-package={name}" for name in names]


def leave_out(names: Iterable[str]) -> list[str]:
    """uv's flags to leave these packages out."""
    return [f"--no-install-package={name}" for name in names]


def decide_collisions(
    found: Sequence[Collision],
    site: Path,
    order: Sequence[str],
    choice: Mapping[str, str],
    only: Callable[[str], Path],
) -> tuple[tuple[Collision, str], ...]:
    """Put the winner's file at each path that packages ship differently; return path and winner.

    uv installs in parallel, so the winner would be random. The winner is the package in ``choice`` for the
    path (or a folder above it), else the last in the lock's order, as if they were installed one by one.
    ``only`` installs a single package and returns its site-packages.

    Raises:
        InputError: ``choice`` names a package that does not ship the path.
    """
    decided = tuple((one, winner(one, order, choice)) for one in found)
    for name in sorted({kept for _, kept in decided}, key=order.index):
        alone = only(name)
        for one in (one for one, kept in decided if kept == name):
            _replace(alone / one.path, site / one.path, environment_root(alone))
    return decided


def environment_root(site: Path) -> Path:
    """The environment of a ``lib/pythonX.Y/site-packages``."""
    return site.parent.parent.parent


def _replace(source: Path, target: Path, installed_in: Path) -> None:
    if not source.is_file():
        return  # in the RECORD but not in the wheel
    target.unlink(missing_ok=True)
    shutil.copy2(source, target)
    if target.parent.name == "bin":
        neutral_shebang(target, installed_in)
