"""Build requirements of the local packages, installed inside deps in a folder each, for `package`."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uvlock2nix.build.values import BuildContext, NativeBuild
from uvlock2nix.dist.scripts import Script
from uvlock2nix.lock import Member, Package, Project, local_packages
from uvlock2nix.names import canonicalize_name
from uvlock2nix.sync.normalise import normalise

if TYPE_CHECKING:
    from uvlock2nix.build.from_pins import FromPins

Made = Mapping[str, tuple[Path, tuple[Script, ...]]]


def local_requirements(
    project: Project,
    packages: Sequence[Package],
    native: Mapping[str, NativeBuild],
    requirements: FromPins,
    context: BuildContext,
) -> Made:
    """Install the build requirements of each local package into its own folder; name → folder and scripts.

    ``packages`` are the source trees of the environment.

    Raises:
        ToolError: uv failed, or a build requirement cannot be built.
        NetworkError: a requirement cannot be downloaded.
    """
    local = local_packages(project, packages)
    names = {package.name for package in packages}
    made: dict[str, tuple[Path, tuple[Script, ...]]] = {}
    for member in local:
        what = f"the build requirements of {member.name}"
        work = context.root / "requires" / member.name
        work.mkdir(parents=True, exist_ok=True)
        locked = requirements.pinned.of(member.name)
        if locked is not None:
            wheels = requirements.wheels(requirements.pinned.files(locked.files), context)
            arguments = ["--offline", "--no-deps", "--no-index", "--", *map(str, wheels)] if wheels else []
        else:
            added = native.get(member.name, NativeBuild()).build_requires
            arguments = _resolved(member, added, names, work, context)
        made[member.name] = _install(arguments, work, context, what)
    return made


def _resolved(
    member: Member, added: Sequence[str], local: Collection[str], work: Path, context: BuildContext
) -> list[str]:
    """uv's arguments for build requirements that are not locked."""
    from packaging.requirements import Requirement

    from uvlock2nix.build.environment import resolver_arguments
    from uvlock2nix.build.requirements import effective_requires

    what, markers = f"the build requirements of {member.name}", context.marker_environment
    requires = effective_requires(member.build_requires, added=added, marker_environment=markers, what=what)
    wanted = [text for text in requires if canonicalize_name(Requirement(text).name) not in local]
    return resolver_arguments(context, work, wanted) if wanted else []


def _install(
    arguments: Sequence[str], work: Path, context: BuildContext, what: str
) -> tuple[Path, tuple[Script, ...]]:
    """Install uv's ``arguments`` into a folder; without any, an empty folder."""
    from uvlock2nix.build.rpath import without_rpath

    tree = work / "tree"
    if arguments:
        install = [context.uv, "pip", "install", "--quiet", "--python", str(context.python)]
        run = [*install, "--target", str(tree), *arguments]
        context.run(run, what=what, env=without_rpath(context.env), cwd=work)
    tree.mkdir(exist_ok=True)
    return tree, normalise(tree, tree, scripts_to="_scripts", say=context.run.say)


def move_in(made: Made, place: Path) -> dict[str, tuple[Script, ...]]:
    """Move the folders below ``place``; name → scripts.

    Only at the end: meanwhile, uv creates the environment around it, and needs an empty folder.
    """
    for name, (tree, _) in made.items():
        place.mkdir(parents=True, exist_ok=True)
        shutil.move(tree, place / name)
    return {name: scripts for name, (_, scripts) in made.items()}
