"""Building the wheels of local packages offline, with what deps holds for it, and installing them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uvlock2nix.build.machine import base_environment
from uvlock2nix.build.prepared import Prepared
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.schedule import build_all
from uvlock2nix.build.values import Build, BuildContext
from uvlock2nix.dist.scripts import Script
from uvlock2nix.layout import site_packages
from uvlock2nix.sync.normalise import normalise
from uvlock2nix.target import Target
from uvlock2nix.venv.interpreter import write_interpreter


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are while local packages are built: env, the build requirements by package, a place to work."""

    env: Path
    requires: Path
    work: Path


def build_members(builds: Sequence[Build], context: BuildContext, places: Places, version: str) -> tuple[Path, ...]:
    """Build each local package's wheel, one after the other; return the wheels.

    One after the other because they are built where they are, and one may be inside another's folder.

    Raises:
        ToolError: a build failed, with the end of its output.
    """
    prepared = Prepared(places.requires, places.env / site_packages(version))
    wheels = build_all(builds, context, prepared, 1)
    return tuple(wheels[build.name] for build in builds)


def local_context(run: Runner, uv: str, python: Path, target: Target, places: Places, builds: Sequence[Build]) -> BuildContext:
    """What the builds of local packages share."""
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


def install_members(wheels: Sequence[Path], context: BuildContext, places: Places, version: str) -> tuple[Path, tuple[Script, ...]]:
    """Install wheels into an environment of their own, normalised; return it and its scripts."""
    tree = places.work / "tree"
    interpreter = write_interpreter(tree, context.python, version)
    (tree / site_packages(version)).mkdir(parents=True, exist_ok=True)
    if wheels:
        arguments = [context.uv, "pip", "install", "--quiet", "--no-deps", "--no-index", "--offline"]
        arguments += ["--python", str(interpreter), "--", *map(str, wheels)]
        context.run(arguments, what="installing the project's packages", env=context.env, cwd=places.work)
    scripts = normalise(tree, tree / site_packages(version))
    return tree, scripts
