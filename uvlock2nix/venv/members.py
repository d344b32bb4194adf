"""Build the wheels of local packages offline, with the requirements in deps, and install them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uvlock2nix.build.file_list import commit_source
from uvlock2nix.build.foreign import refuse_foreign
from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.prepared import Prepared
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.schedule import build_all
from uvlock2nix.build.values import Build, BuildContext, NativeBuild, Source
from uvlock2nix.build.version import with_version
from uvlock2nix.dist.installed import installed
from uvlock2nix.dist.interpreter import write_interpreter
from uvlock2nix.dist.scripts import Script
from uvlock2nix.errors import InputError
from uvlock2nix.layout import site_packages
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.sync.normalise import normalise
from uvlock2nix.target import Target, this_system
from uvlock2nix.venv.checking import check_built, check_local
from uvlock2nix.venv.unpack import unpack_wheel


@dataclass(frozen=True, slots=True)
class Places:
    """Paths for building local packages: env, the build requirements by package, a work folder.

    Without ``env``, no build gets more than its build requirements.
    """

    env: Path | None
    requires: Path
    work: Path


def local_builds(
    folders: Iterable[tuple[str, Path]],
    natives: Mapping[str, NativeBuild],
    version: str | None,
    versions: Mapping[str, str],
) -> tuple[Build, ...]:
    """The builds of local packages (name and folder).

    ``version`` is for packages that take theirs from git; ``versions`` has those that differ.
    """
    builds = (
        Build(name, None, Source(folder=folder), natives.get(name, NativeBuild())) for name, folder in folders
    )
    said = ((build, versions.get(build.name, version)) for build in builds)
    return tuple(build if known is None else with_version(build, known) for build, known in said)


def parse_versions(text: str) -> dict[str, str]:
    """Parse the JSON that the hook passes: local package → version. InputError if it is invalid."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise InputError(
            "uvPackageVersions: not JSON of names and versions", hint="run `uvlock2nix generate` again"
        )
    return found


def target_of(env: Path) -> Target:
    """What an environment was made for."""
    manifest = read_manifest(env)
    return Target.parse(system=str(manifest["system"]), python=str(manifest["python"]))


def local_tree(
    builds: Sequence[Build], places: Places, run: Runner, uv: str, python: Path, target: Target
) -> tuple[Path, tuple[Script, ...]]:
    """Build local packages and install them into their own environment; return it and its scripts.

    Raises:
        InputError: they do not match the environment, or a build made a different package.
        ToolError: a build failed, with the end of its output.
    """
    version, names = target.python.minor_and_variant, [build.name for build in builds]
    if places.env is not None:
        check_local(read_manifest(places.env), names)
    context = build_context(run, uv, python, target, places, builds)
    commit_source(Path.cwd(), builds, run, context.env)
    # One by one: they are built in place, and one may be inside another's folder.
    wheels = build_all(builds, context, prepared(places, version), 1)
    if target.system != this_system():
        refuse_foreign(wheels.values(), target.system)
    tree, scripts = _install([wheels[name] for name in names], context, places.work, version)
    check_built(names, installed(tree / site_packages(version)))
    return tree, scripts


def prepared(places: Places, version: str) -> Prepared:
    """What local packages are built with."""
    return Prepared(places.requires, places.env and places.env / site_packages(version))


def build_context(
    run: Runner, uv: str, python: Path, target: Target, places: Places, builds: Sequence[Build]
) -> BuildContext:
    """The context of all builds of local packages."""
    root = places.work / "builds"
    root.mkdir(parents=True, exist_ok=True)
    return BuildContext(
        run=run,
        uv=uv,
        python=python,
        root=root,
        env={**base_environment(places.work, os.environ), "UV_OFFLINE": "1"},
        exclude_newer=None,
        native_inputs=tuple(path for build in builds for path in build.native.inputs),
        marker_environment=target.marker_environment(),
        keeps_rpath=True,
    )


def _install(
    wheels: Sequence[Path], context: BuildContext, work: Path, version: str
) -> tuple[Path, tuple[Script, ...]]:
    tree = work / "tree"
    interpreter = write_interpreter(tree, context.python, version)
    (tree / site_packages(version)).mkdir(parents=True, exist_ok=True)
    # One alone need not start uv. Of several that have a path in common, uv decides.
    if wheels and (
        len(wheels) > 1 or unpack_wheel(wheels[0], wheels[0].name, tree / site_packages(version)) is None
    ):
        arguments = [context.uv, "pip", "install", "--quiet", "--no-deps", "--no-index", "--offline"]
        arguments += ["--python", str(interpreter), "--", *map(str, wheels)]
        context.run(arguments, what="installing the project's packages", env=context.env, cwd=work)
    scripts = normalise(tree, tree / site_packages(version), say=context.run.say)
    return tree, scripts
