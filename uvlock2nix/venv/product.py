"""The files of the project's own packages for an index: wheels or sdists."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from uvlock2nix.build.file_list import commit_source
from uvlock2nix.build.prepared import Prepared
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.schedule import build_all
from uvlock2nix.build.values import Build, Product
from uvlock2nix.layout import site_packages
from uvlock2nix.sync.manifest import read_manifest
from uvlock2nix.target import Target
from uvlock2nix.venv.members import Places, build_context


def build_products(
    builds: Sequence[Build], product: Product, places: Places, run: Runner, uv: str, python: Path, out: Path
) -> None:
    """Build a wheel or an sdist of each local package into the new folder ``out``.

    Raises:
        ToolError: a build failed, with the end of its output.
    """
    manifest = read_manifest(places.env)
    version = str(manifest["python"])
    target = Target.parse(system=str(manifest["system"]), python=version)
    context = replace(build_context(run, uv, python, target, places, builds), product=product)
    commit_source(Path.cwd(), builds, run, context.env)
    prepared = Prepared(places.requires, places.env / site_packages(version))
    out.mkdir(parents=True)
    for built in build_all(builds, context, prepared, 1).values():
        shutil.copyfile(built, out / built.name)
