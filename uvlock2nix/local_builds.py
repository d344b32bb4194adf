"""The inputs of each local package's build: known native inputs, and what ``[tool.uv]`` adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.key import is_built
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs
from uvlock2nix.knowledge.templates import Literal
from uvlock2nix.lock import Member, Project
from uvlock2nix.native import Native
from uvlock2nix.target import Target

CARGO = "cargo"


def local_builds(
    project: Project,
    members: Sequence[Member],
    classified: Sequence[tuple[Target, Sequence[ClassifiedPackage]]],
) -> tuple[Native, ...]:
    """The build inputs of each of ``members``, sorted by name, without those that need nothing.

    Raises:
        ProjectError: a package is built with cargo and has no Cargo.lock.
    """
    from uvlock2nix.inspect.crates import cargo_lock

    found: list[Native] = []
    for member in sorted(members, key=lambda one: one.name):
        for target, classes in classified:
            for one in (one for one in classes if one.name == member.name):
                inputs = _inputs(project, one, classes)
                crates = None
                if CARGO in inputs.build.native_build_inputs:
                    crates = cargo_lock(project.root, member.path, member.name)
                if inputs.build != BuildInputs() or crates is not None:
                    _add(found, Native(member.name, inputs, (target.system,), crates))
    return tuple(found)


def package_builds(
    project: Project,
    classified: Sequence[tuple[Target, Sequence[ClassifiedPackage]]],
    crates: Mapping[str, PurePosixPath],
) -> tuple[Native, ...]:
    """The build inputs of each locked source (mode `files`), sorted by name, as :func:`local_builds`.

    ``crates`` are the Cargo.lock files of packages built with cargo.
    """
    found: list[Native] = []
    for target, classes in classified:
        for one in filter(is_built, classes):
            inputs = _inputs(project, one, classes)
            if inputs.build != BuildInputs():
                _add(found, Native(one.name, inputs, (target.system,), crates.get(one.name)))
    return tuple(sorted(found, key=lambda one: one.name))


def _inputs(project: Project, one: ClassifiedPackage, classes: Sequence[ClassifiedPackage]) -> NativeInputs:
    """As in :func:`uvlock2nix.sync.plan.plan_sync` for sdists: uvlock2nix's own settings come last."""
    from uvlock2nix.lock.extra_build import extra

    build = one.native.build
    more = extra(project, one.name, {other.name: other.version for other in classes})
    env = {name: (Literal(text),) for name, text in more.env} | dict(build.env)
    settings = (f"{key}={value}" for key, values in more.settings for value in values)
    return one.native._replace(
        build=build._replace(
            env=tuple(env.items()),
            flags=(*settings, *build.flags),
            build_requires=(*more.build_requires, *build.build_requires),
            relax=(*more.relax, *build.relax),
        ),
    )


def _add(found: list[Native], new: Native) -> None:
    """Merge equal inputs of a package on several systems into one entry."""
    for position, one in enumerate(found):
        if one._replace(systems=new.systems) == new:
            found[position] = one._replace(systems=(*one.systems, *new.systems))
            return
    found.append(new)
