"""``venv package``: put local packages over an environment, and report on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from uvlock2nix.printable import printable

if TYPE_CHECKING:
    from uvlock2nix.build.values import Build
    from uvlock2nix.venv.making import Making
    from uvlock2nix.venv.members import Places


def layered(
    builds: Sequence[Build],
    places: Places,
    out: Path,
    made_with: Making,
    uv: str,
    compiler: str | None,
    extra: tuple[Path, ...],
) -> None:
    """Build local packages, put them and the extra packages over the environment, and report collisions."""
    from uvlock2nix.build.programs import Runner
    from uvlock2nix.sync.manifest import read_manifest
    from uvlock2nix.venv.interpreter import write_wrapper
    from uvlock2nix.venv.layer import layer
    from uvlock2nix.venv.members import local_tree

    run = Runner()
    tree, brought = local_tree(builds, places, run, uv, made_with.builder or made_with.python)

    def wrap(root: Path, python: Path) -> None:
        if compiler:
            write_wrapper(root, python, compiler, places.work, run)

    clashes = layer(
        places.env,
        tree,
        out,
        str(read_manifest(places.env)["python"]),
        made_with,
        scripts=brought,
        wrap=wrap,
        extra=extra,
    )
    for clash in clashes:
        click.echo(f"uvlock2nix: {printable(str(clash))}", err=True)


def program_path() -> str:
    """The PATH of the scripts' programs: for the host, as stdenv sets it, else the build's own."""
    return ":".join(os.environ.get(name, "") for name in ("HOST_PATH", "PATH"))


def making(interpreter: Path, builder: Path | None, cores: int, *, no_bytecode: bool) -> Making:
    """What an environment is made with inside a build, from the commands' options."""
    from uvlock2nix.venv.making import Making

    return Making(interpreter, 0 if no_bytecode else max(1, cores), program_path(), builder, note)


def note(text: str) -> None:
    """Write a line to the build log."""
    click.echo(f"uvlock2nix: note: {printable(text)}", err=True)
