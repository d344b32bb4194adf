"""The files of the project's own packages for an index: wheels or sdists."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from uvlock2nix.build.file_list import commit_source
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.schedule import build_all
from uvlock2nix.build.values import Build, Product
from uvlock2nix.venv.members import Places, build_context, prepared, target_of


def build_products(
    builds: Sequence[Build],
    product: Product,
    env: Path,
    places: Places,
    run: Runner,
    uv: str,
    python: Path,
    out: Path,
) -> None:
    """Build a wheel or an sdist of each local package over ``env`` into the new folder ``out``.

    Raises:
        ToolError: a build failed, with the end of its output.
    """
    target = target_of(env)
    context = replace(build_context(run, uv, python, target, places, builds), product=product)
    commit_source(Path.cwd(), builds, run, context.env)
    out.mkdir(parents=True)
    made_from = prepared(places, target.python.minor_and_variant)
    for built in build_all(builds, context, made_from, 1).values():
        shutil.copyfile(built, out / built.name)
