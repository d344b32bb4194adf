"""The plan of deps: which packages uv installs, which are built here, which are left to `package`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from uvlock2nix.artifacts import BuildPolicy, Choice, choose
from uvlock2nix.build.values import Build, NativeBuild, Source
from uvlock2nix.errors import InputError
from uvlock2nix.lock import (
    Environment,
    GitSource,
    Package,
    PathSource,
    Project,
    UrlSource,
)
from uvlock2nix.lock.extra_build import extra
from uvlock2nix.target import Target


@dataclass(frozen=True, slots=True)
class Step:
    """A package of the environment with its file."""

    package: Package
    choice: Choice


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """``wheels`` are installed by uv from the lock; ``builds`` are built here; ``local`` are the project's
    own source trees, built later; ``excluded`` come from elsewhere (nixpkgs).
    """

    wheels: tuple[Step, ...]
    builds: tuple[Build, ...]
    built_steps: tuple[Step, ...]
    local: tuple[Package, ...]
    excluded: tuple[Package, ...]

    @property
    def not_by_uv(self) -> tuple[str, ...]:
        """The names that ``uv sync`` must leave out."""
        names = {build.name for build in self.builds}
        names.update(package.name for package in (*self.local, *self.excluded))
        return tuple(sorted(names))


def plan_sync(
    project: Project,
    environment: Environment,
    target: Target,
    *,
    exclude: frozenset[str] = frozenset(),
    native: Mapping[str, NativeBuild] | None = None,
    no_binary: frozenset[str] = frozenset(),
) -> SyncPlan:
    """Split an environment by how packages are installed; ``no_binary`` are built even if a wheel fits.

    Raises:
        NoArtifactError: no file of a package fits the target.
    """
    policy = BuildPolicy.of_project(project)
    if policy.no_binary != "all":
        policy = policy._replace(no_binary=policy.no_binary | no_binary)
    wheels: list[Step] = []
    built: list[Step] = []
    local: list[Package] = []
    excluded: list[Package] = []
    for one in environment.packages:
        package = one.package
        if package.is_local_tree:
            local.append(package)
        elif package.name in exclude:
            excluded.append(package)
        else:
            step = Step(package, choose(package, target, policy))
            kind = step.choice.artifact.kind if step.choice.artifact else None
            (wheels if kind == "wheel" else built).append(step)
    locked = {one.package.name: one.package.version for one in environment.packages}
    builds = tuple(_build(step, project, (native or {}).get(step.package.name), locked) for step in built)
    return SyncPlan(tuple(wheels), builds, tuple(built), tuple(local), tuple(excluded))


def _build(
    step: Step, project: Project, native: NativeBuild | None, locked: Mapping[str, str | None]
) -> Build:
    package = step.package
    native, more = native or NativeBuild(), extra(project, package.name, locked)
    # uvlock2nix's own settings come last and win.
    native = replace(
        native,
        env={**dict(more.env), **native.env},
        build_requires=(*more.build_requires, *native.build_requires),
        flags=(*(f"{key}={one}" for key, values in more.settings for one in values), *native.flags),
        relax=(*more.relax, *native.relax),
        patches=tuple(str(project.root / path) for path in native.patches),
    )
    return Build(package.name, package.version, source_of(step, project.root), native)


def source_of(step: Step, root: Path) -> Source:
    """The source of a step's file or commit. Raises InputError if the lock has none."""
    package, artifact = step.package, step.choice.artifact
    match package.source:
        case GitSource() as git:
            return Source(url=git.url, commit=git.commit, subdirectory=git.subdirectory, lfs=git.lfs)
        case UrlSource() as url:
            name = url.url.partition("#")[0].partition("?")[0].rpartition("/")[2]
            return Source(
                url=url.url,
                filename=(artifact.filename if artifact else "") or name,
                hash=artifact.hash if artifact else None,
                size=artifact.size if artifact else None,
                subdirectory=url.subdirectory,
            )
        case PathSource() as path:
            held = artifact.hash if artifact else None
            return Source(path=root / path.path, filename=Path(path.path).name, hash=held)
        case _:
            if artifact is None:
                raise InputError(f"{package}: no file to build it from", hint="run `uv lock` again")
            where = root / artifact.path if artifact.path else None
            return Source(artifact.url, where, artifact.filename, artifact.hash, artifact.size)
