"""The key of deps: what it builds, and the digest of everything that decides its content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from uvlock2nix.artifacts import BuildPolicy, choose
from uvlock2nix.build_pins import BuildPins
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.config import Config
from uvlock2nix.digest import environment_digest, rest_digest
from uvlock2nix.errors import ProjectError
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.knowledge.templates import Literal, Output
from uvlock2nix.lock import (
    Member,
    Package,
    Project,
    RegistrySource,
    Selection,
    UvSettings,
    local_packages,
    refuse_unseen,
    tree_path,
)
from uvlock2nix.modes import named_patches
from uvlock2nix.reading import read_regular
from uvlock2nix.target import Target

MAX_FILE: Final = 4 << 30


def is_built(one: ClassifiedPackage) -> bool:
    """Whether deps builds the package from source."""
    if one.from_nixpkgs or one.choice.artifact is None or one.choice.artifact.kind == "wheel":
        return False
    return not one.package.package.is_local_tree


def is_member(one: ClassifiedPackage) -> bool:
    """Whether the package is a source tree of the project's own, built in `package`."""
    return one.package.package.is_local_tree


def deps_key(
    project: Project,
    selection: Selection,
    config: Config,
    target: Target,
    classes: Sequence[ClassifiedPackage],
    exclude_newer: str | None,
    build_pins: BuildPins,
) -> str:
    """The digest in the name of deps, 32 hexadecimal digits (without the toolchain, which only Nix knows).

    ``build_pins`` are the locked build requirements, ``exclude_newer`` is the time that holds back the
    others.
    """
    held = [one for one in classes if not one.from_nixpkgs and not is_member(one)]
    environment = environment_digest(
        [(one.package.package, one.choice) for one in held],
        python=target.python.minor,
        system=target.system,
    )
    members = {member.name: member for member in members_of(project, classes)}
    built = any(is_built(one) for one in held)
    locked = build_pins.builds(target.system)
    needed = [*(one.name for one in held if is_built(one)), *members]
    missing = unlocked(project, target, classes, build_pins)
    rest = rest_digest(
        {
            "native": {
                name: _native_facts(native) for name, native in natives_of([o for o in held if is_built(o)])
            },
            "requires": {name: sorted(member.build_requires) for name, member in members.items()},
            "buildRequirements": {
                name: build_pins.facts(locked[name], target.system) for name in needed if name in locked
            },
            "excludeNewer": exclude_newer if missing else None,
            "constraints": sorted(project.uv.build_constraint_dependencies) if built or members else [],
            "collisions": dict(config.collisions),
            "excluded": sorted(one.name for one in classes if one.from_nixpkgs),
            **_unhashed_files(project, held),
            **_patches(project, config, held),
            **(build_settings(project.uv) if built or members else {}),
        }
    )
    return environment + rest


def unlocked(
    project: Project, target: Target, classes: Sequence[ClassifiedPackage], build_pins: BuildPins
) -> tuple[str, ...]:
    """The packages that are built on the target without locked build requirements."""
    built = [one.name for one in classes if is_built(one)]
    members = [member.name for member in members_of(project, classes)]
    locked = build_pins.builds(target.system)
    return tuple(name for name in (*built, *members) if name not in locked)


def build_settings(uv: UvSettings) -> dict[str, object]:
    """The settings of ``[tool.uv]`` that affect builds, as far as they are set."""
    settings = {
        "config-settings": uv.config_settings,
        "config-settings-package": uv.config_settings_package,
        "extra-build-dependencies": [
            [name, [[one.requirement, one.match_runtime] for one in extra]]
            for name, extra in uv.extra_build_dependencies
        ],
        "extra-build-variables": uv.extra_build_variables,
        "index": [[one.url, one.default, one.explicit] for one in uv.indexes],
        "index-url": uv.index_url,
        "extra-index-url": uv.extra_index_url,
        "find-links": uv.find_links,
        "no-index": uv.no_index,
        "index-strategy": uv.index_strategy,
        "no-build-isolation": uv.no_build_isolation,
        "no-build-isolation-package": uv.no_build_isolation_package,
    }
    return {name: setting for name, setting in settings.items() if setting}


def _unhashed_files(project: Project, held: Sequence[ClassifiedPackage]) -> dict[str, object]:
    """The digests of files on disk without a hash in the lock, such as those of an index in a folder."""
    found = {}
    for one in held:
        artifact = one.choice.artifact
        if artifact is None or artifact.path is None or artifact.hash is not None or artifact.kind == "git":
            continue
        try:
            data = read_regular(project.root / artifact.path, MAX_FILE)
        except OSError:
            continue  # refused when the Plan is made
        found[artifact.path] = hashlib.sha256(data).hexdigest()
    return {"files": found} if found else {}


def _patches(project: Project, config: Config, held: Sequence[ClassifiedPackage]) -> dict[str, object]:
    """The digests of the patches for packages that are built."""
    built = {one.name for one in held if is_built(one)}
    found = {}
    for name, paths in named_patches(config).items():
        if name in built:
            data = [read_regular(project.root / path, MAX_FILE) for path in paths]
            found[name] = [hashlib.sha256(one).hexdigest() for one in data]
    return {"patches": found} if found else {}


def _native_facts(native: NativeInputs) -> dict[str, object]:
    return {
        "build_inputs": sorted(native.build.build_inputs),
        "native_build_inputs": sorted(native.build.native_build_inputs),
        "env": [[name, [_part(part) for part in template]] for name, template in native.build.env],
        "cflags": list(native.build.cflags),
        "flags": list(native.build.flags),
        "build_requires": sorted(native.build.build_requires),
        "relax": sorted(native.build.relax),
    }


def _part(part: Literal | Output) -> list[str]:
    match part:
        case Literal(text):
            return ["text", text]
        case Output(attr, output):
            return ["output", attr, output]


def natives_of(built: Sequence[ClassifiedPackage]) -> tuple[tuple[str, NativeInputs], ...]:
    """The packages whose build needs native inputs, with these, sorted by name."""
    found: dict[str, NativeInputs] = {}
    for one in built:
        native = one.native
        fields = (
            native.build.build_inputs,
            native.build.native_build_inputs,
            native.build.env,
            native.build.cflags,
        )
        if any((*fields, native.build.flags, native.build.build_requires, native.build.relax)):
            found.setdefault(one.name, native)
    return tuple(sorted(found.items()))


def members_of(project: Project, classes: Sequence[ClassifiedPackage]) -> tuple[Member, ...]:
    """The local packages of the selection that are built, for package.nix.

    Raises:
        ProjectError: one is outside the project's folder, has nothing to build, or has a folder for each
            system.
    """
    trees: dict[str, Package] = {}
    for one in (one.package.package for one in classes if is_member(one)):
        other = trees.setdefault(one.name, one)
        if one.source != other.source:
            folders = f"{tree_path(other)} on one system and in {tree_path(one)} on another"
            raise ProjectError(
                f"{one.name}: it is in {folders}, and package.nix has one folder for each name",
                hint="generate for one of the systems (--system x86_64-linux), or rename one of them",
            )
    members = local_packages(project, trees.values())
    refuse_unseen(project, members)
    return members


def no_binary(
    project: Project, classified: Sequence[tuple[Target, Sequence[ClassifiedPackage]]]
) -> tuple[str, ...]:
    """The packages that are built even if a wheel fits, because they share a library with a built package."""
    policy = BuildPolicy.of_project(project)
    found = set()
    for target, classes in classified:
        for one in classes:
            if is_built(one) and isinstance(one.package.package.source, RegistrySource):
                artifact = choose(one.package.package, target, policy).artifact
                if artifact is not None and artifact.kind == "wheel":
                    found.add(one.name)
    return tuple(sorted(found))
