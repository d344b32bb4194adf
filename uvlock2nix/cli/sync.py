"""``uvlock2nix sync``: the work of deps. Called by the hook, not by people."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from uvlock2nix.build.programs import Runner
from uvlock2nix.build.values import parse_native
from uvlock2nix.build_pins import BuildPins, from_json
from uvlock2nix.cli.inputs import inputs_of
from uvlock2nix.cli.options import selection_options
from uvlock2nix.errors import InputError, UsageError
from uvlock2nix.lock import Selection
from uvlock2nix.refs.store import STORE_DIR
from uvlock2nix.sync.core import sync
from uvlock2nix.sync.request import SyncRequest

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("project", type=PATH)
@click.option("--out", type=PATH, required=True, help="The folder to create.")
@click.option("--work", type=PATH, required=True, help="The work folder; always the same path.")
@click.option("--interpreter", type=PATH, required=True, help="The Python to install for.")
@click.option("--python", required=True, help="Its version.")
@click.option("--system", required=True)
@click.option("--libc", help="The C library's baseline, such as glibc-2.40.")
@click.option("--macos", help="The oldest macOS, such as 14.0.")
@click.option("--exclude-newer", help="RFC 3339; build requirements published later are ignored.")
@click.option("--build-requirements", type=PATH, help="JSON: `build` of the pins.")
@click.option("--key", help="The key that generate wrote.")
@click.option("--no-binary-package", multiple=True, help="A package to build even if a wheel fits.")
@click.option("--exclude", multiple=True, help="A package that comes from elsewhere.")
@click.option("--native", default="", help="JSON: each package's native inputs.")
@click.option("--collisions", default="", help="JSON: path → the package whose bytes are kept.")
@click.option("--input", "inputs", multiple=True, metavar="ATTR=PATH", help="A store path and its name.")
@click.option("--inputs", "more_inputs", multiple=True, metavar="TEXT", help="Several, as JSON or as words.")
@click.option("--cores", type=int, default=1)
@click.option("--uv", default="uv")
@click.option("--then-strip", is_flag=True, help="Strip the result as well, as `refs strip --audit` does.")
@selection_options
def command(project: Path, out: Path, selection: Selection, **options: Any) -> None:
    """Install the locked packages of PROJECT into a new folder, the same way every time."""
    if out.exists():
        raise UsageError(f"--out {out} already exists", hint="choose a path that does not exist")
    request = SyncRequest(
        project=project.resolve(),
        out=out.absolute(),
        work=options["work"].absolute(),
        python=options["interpreter"],
        selection=selection,
        system=options["system"],
        python_version=options["python"],
        libc=options["libc"],
        macos=options["macos"],
        exclude_newer=options["exclude_newer"],
        build_pins=read_build_requirements(options["build_requirements"]),
        key=options["key"],
        exclude=frozenset(options["exclude"]),
        no_binary=frozenset(options["no_binary_package"]),
        native=parse_native(options["native"]),
        collisions=parse_collisions(options["collisions"]),
        reference_inputs=inputs_of(
            options["inputs"], options["more_inputs"], os.environ.get("NIX_STORE", STORE_DIR)
        ),
        cores=options["cores"] or 1,
        uv=options["uv"],
    )
    sync(request, Runner())
    if options["then_strip"]:
        from uvlock2nix.cli.stripping import strip_and_prove

        strip_and_prove(request.out, request.reference_inputs, os.environ.get("NIX_STORE", STORE_DIR))


def parse_collisions(text: str) -> dict[str, str]:
    """Read ``{"path": "package"}``."""
    try:
        data = json.loads(text) if text else {}
    except ValueError as error:
        raise InputError(f"--collisions: {error}", hint="pass JSON: path → package") from None
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise InputError("--collisions: not a JSON object of strings", hint="pass JSON: path → package")
    return data


def read_build_requirements(path: Path | None) -> BuildPins:
    """Read ``build`` of the pins; without a file, nothing is locked.

    Raises:
        InputError: the file cannot be read, or does not have that shape.
    """
    if path is None:
        return BuildPins()
    hint = "pass `build` of the pins that `uvlock2nix generate` writes"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"--build-requirements {path}: {error}", hint=hint) from None
    problems: list[str] = []
    pins = from_json(data if isinstance(data, dict) else {}, "build", problems)
    if problems or not isinstance(data, dict):
        raise InputError(f"--build-requirements {path}: {'; '.join(problems) or 'no object'}", hint=hint)
    return pins
