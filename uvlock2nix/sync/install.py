"""Installing: wheels by ``uv sync --frozen``, built ones from their files, collisions decided."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uvlock2nix.errors import InputError
from uvlock2nix.lock import Project, Selection
from uvlock2nix.sync.records import Collision, Installed, collisions, digest_of, installed
from uvlock2nix.sync.run import Runner


@dataclass(frozen=True, slots=True)
class Uv:
    """uv with the environment and interpreter that all its calls share."""

    run: Runner
    program: str
    python: Path
    env: Mapping[str, str]
    project: Path
    target: Path

    def sync(self, flags: Sequence[str], *, what: str = "uv sync") -> None:
        """``uv sync --frozen`` into the target environment."""
        arguments = [self.program, "sync", "--frozen", "--quiet", "--python", str(self.python), *flags]
        self.run(arguments, what=what, env=self.env, cwd=self.project)

    def install_files(self, wheels: Sequence[Path]) -> None:
        """Install wheel files, and nothing else, into the target environment."""
        if not wheels:
            return
        listed = Path(self.env["UV_CACHE_DIR"]) / "built-wheels.txt"
        listed.write_text("".join(f"{wheel}\n" for wheel in wheels))
        arguments = [self.program, "pip", "install", "--quiet", "--no-deps", "--no-index", "--reinstall"]
        arguments += ["--python", str(self.target / "bin" / "python"), "--requirements", str(listed)]
        self.run(arguments, what="installing the built wheels", env=self.env, cwd=self.target)


def explicit_flags(selection: Selection) -> list[str]:
    """The flags that say a selection, with uv's names (and ours: ``--default-groups``)."""
    flags: list[str] = []
    for name, values in (
        ("--package", selection.packages),
        ("--extra", selection.extras),
        ("--no-extra", selection.no_extras),
        ("--group", selection.groups),
        ("--no-group", selection.no_groups),
        ("--only-group", selection.only_groups),
    ):
        flags += [f"{name}={one}" for one in values]
    for name, on in (
        ("--all-packages", selection.all_packages),
        ("--all-extras", selection.all_extras),
        ("--all-groups", selection.all_groups),
        ("--default-groups", selection.default_groups),
    ):
        if on:
            flags.append(name)
    return flags


def selection_flags(project: Project, selection: Selection) -> list[str]:
    """uv's flags for a selection; uv's own default groups are named, so that every uv understands."""
    flags = [flag for flag in explicit_flags(selection) if flag != "--default-groups"]
    if not (selection.default_groups or selection.only_groups):
        # Named one by one: `--no-default-groups` is younger than the uv of some nixpkgs.
        flags.append("--no-dev")
        wanted = {"dev", *selection.groups}
        flags += [f"--no-group={name}" for name in default_groups(project) if name not in wanted]
    return flags


def default_groups(project: Project) -> tuple[str, ...]:
    """All groups that uv would include by default, of the root and of the members."""
    found: dict[str, None] = {}
    declared = [(project.root_default_groups, project.root_groups)]
    declared += [(member.default_groups, member.groups) for member in project.members]
    for defaults, groups in declared:
        found.update(dict.fromkeys(groups if defaults == "all" else defaults or ()))
    return tuple(found)


def leave_out(names: Sequence[str]) -> list[str]:
    return [f"--no-install-package={name}" for name in names]


def decide_collisions(
    uv: Uv,
    site: Path,
    wheels: Mapping[str, Path],
    order: Sequence[str],
    choice: Mapping[str, str],
    sync_flags: Sequence[str],
) -> tuple[tuple[Collision, str], ...]:
    """Find paths that packages ship with different bytes, and make the winner the same every time.

    uv installs side by side, so that the winner would depend on luck. The winner is the package that
    ``choice`` names for the path (or a folder above it), else the last in the lock's order, as if they were
    installed one after another.

    Raises:
        InputError: ``choice`` names a package that does not ship the path.
    """
    found = collisions(installed(site))
    if not found:
        return ()
    decided = tuple((one, _winner(one, order, choice)) for one in found)
    # Installing a package again puts its own bytes back; in the lock's order the later one stays, and those
    # that were chosen come last.
    again = sorted({winner for _, winner in decided}, key=order.index)
    for name in again:
        if name in wheels:
            uv.install_files([wheels[name]])
        else:
            uv.sync([*sync_flags, f"--reinstall-package={name}"], what=f"uv sync ({name} again)")
    _check(site, decided)
    return decided


def _winner(one: Collision, order: Sequence[str], choice: Mapping[str, str]) -> str:
    path = one.path
    while path:
        if path in choice:
            if choice[path] not in one.owners:
                raise InputError(
                    f"[tool.uvlock2nix.collisions]: `{choice[path]}` does not ship {one.path}",
                    hint=f"the packages that do: {', '.join(one.owners)}",
                )
            return choice[path]
        path = posixpath.dirname(path)
    return max(one.owners, key=order.index)


def _check(site: Path, decided: Sequence[tuple[Collision, str]]) -> None:
    by_name: dict[str, Installed] = {one.name: one for one in installed(site)}
    for one, winner in decided:
        wanted = {entry.hash for entry in by_name[winner].entries if entry.path == one.path}
        file = site / one.path
        if file.is_file() and wanted and digest_of(file)[0] not in wanted:
            raise InputError(
                f"{one.path}: shipped by {', '.join(one.owners)}; the bytes of {winner} could not be kept, "
                "because another path of the same packages asks for the opposite",
                hint="name one winner for all their paths under [tool.uvlock2nix.collisions]",
            )
