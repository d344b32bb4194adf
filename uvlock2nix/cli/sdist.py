"""``uvlock2nix sdist``: the work of one source's derivation. Called by the hooks, not by people."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from uvlock2nix.build.programs import Runner
from uvlock2nix.cli.decorated import decorated
from uvlock2nix.errors import InputError

PATH = click.Path(path_type=Path)
GIVEN = "A build requirement; for a built wheel, the folder with it."


@click.group()
def command() -> None:
    """Build one source into a wheel."""


@command.command("unpack")
@click.argument("source", type=PATH)
@click.argument("to", type=PATH)
@click.option("--file", default="", help="The archive's own name; empty for a directory.")
@click.option("--subdirectory", default="", help="The package's folder in it.")
def unpack_command(source: Path, to: Path, file: str, subdirectory: str) -> None:
    """Unpack SOURCE (an archive or a directory) below TO, writable; print the folder to build in."""
    from uvlock2nix.build.unpack import unpack
    from uvlock2nix.venv.copying import copy_writable

    if source.is_dir():
        copy_writable(source, to)
        tree = to
    else:
        named = to.with_name(f"{to.name}-archive") / (Path(file).name or source.name)
        named.parent.mkdir(parents=True)
        named.symlink_to(source.absolute())
        tree = unpack(named, to)
    inside = (tree / subdirectory).resolve()
    if not inside.is_relative_to(tree.resolve()) or not inside.is_dir():
        raise InputError(
            f"{source.name}: its subdirectory {subdirectory!r} is not in the source",
            hint="check `subdirectory` under [tool.uv.sources] and run `uv lock` again",
        )
    click.echo(inside)


def _shared(function: Any) -> Any:
    options = [
        click.option("--name", required=True),
        click.option("--system", required=True),
        click.option("--python", "version", required=True, help="The version of the interpreter."),
        click.option("--interpreter", type=PATH, required=True),
        click.option("--work", type=PATH, required=True),
        click.option("--uv", default="uv"),
        click.option("--given", multiple=True, metavar="NAME=PATH", help=GIVEN),
    ]
    return decorated(function, options)


@command.command("build")
@click.argument("tree", type=PATH)
@click.argument("out", type=PATH)
@_shared
@click.option("--version", "package_version", required=True)
@click.option(
    "--asked", multiple=True, metavar="NAME=PATH", help="Like --given, used if the backend asks for it."
)
@click.option("--native", default="", help="JSON: env, cflags and flags of the build.")
def build_command(
    tree: Path,
    out: Path,
    name: str,
    package_version: str,
    given: tuple[str, ...],
    asked: tuple[str, ...],
    native: str,
    **options: Any,
) -> None:
    """Build the wheel of TREE into the folder OUT, offline."""
    from uvlock2nix.build.given import Given, named_wheels
    from uvlock2nix.build.requirements import read_build_system
    from uvlock2nix.build.values import Build, NativeBuild, Source, parse_native
    from uvlock2nix.build.wheel import build_wheel

    context = _context(**options)
    natives = parse_native(json.dumps({name: json.loads(native)}) if native else "", "uvSdistNative")
    build = Build(name, package_version, Source(folder=tree.resolve()), natives.get(name, NativeBuild()))
    places = context.root / "given"
    requirements = Given(named_wheels(given, places), named_wheels(asked, places))
    wheel = build_wheel(build, context, requirements, {}, (tree.resolve(), read_build_system(tree)))
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(wheel, out / wheel.name)


@command.command("requires")
@click.argument("out", type=PATH)
@_shared
@click.option("--cores", type=int, default=1)
def requires_command(out: Path, name: str, given: tuple[str, ...], cores: int, **options: Any) -> None:
    """Install the build requirements of the local package NAME into the folder OUT."""
    from uvlock2nix.build.given import named_wheels
    from uvlock2nix.build.prepared import PROGRAMS
    from uvlock2nix.sync.normalise import normalise
    from uvlock2nix.venv.bytecode import compile_bytecode

    context = _context(**options)
    wheels = named_wheels(given, context.root / "given")
    out.mkdir(parents=True)
    if wheels:
        arguments = [context.uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--no-index"]
        arguments += ["--python", str(context.python), "--target", str(out), "--", *map(str, wheels)]
        what = f"installing the build requirements of {name}"
        context.run(arguments, what=what, env=context.env, cwd=context.root)
    normalise(out, out, scripts_to=PROGRAMS, say=context.run.say)
    # Once here, where each build of the package would compile them several times over.
    compile_bytecode(out, context.python, max(1, cores))


def _context(system: str, version: str, interpreter: Path, work: Path, uv: str) -> Any:
    from uvlock2nix.build.machine import base_environment
    from uvlock2nix.build.values import BuildContext
    from uvlock2nix.target import Target

    root = work.absolute()
    root.mkdir(parents=True, exist_ok=True)
    variables: Mapping[str, str] = base_environment(root, os.environ)
    return BuildContext(
        run=Runner(),
        uv=uv,
        python=interpreter,
        root=root,
        env={**variables, "UV_OFFLINE": "1"},
        exclude_newer=None,
        marker_environment=Target.parse(system=system, python=version).marker_environment(),
        keeps_rpath=True,
    )
