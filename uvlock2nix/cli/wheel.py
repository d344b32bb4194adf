"""``uvlock2nix wheel``: what the derivation of one package runs. Called by hooks, not by people.

It runs once for each package: nothing is imported that most wheels do without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from uvlock2nix.cli.decorated import decorated
from uvlock2nix.cli.layered import note, program_path
from uvlock2nix.printable import printable

if TYPE_CHECKING:
    from uvlock2nix.venv.wants import Want
    from uvlock2nix.venv.wheel import Settling

PATH = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Install one wheel into a store path of its own."""


def _settling(function: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option("--interpreter", type=PATH, required=True, help="The Python that runs it."),
        click.option("--python", "version", required=True, help="Its minor version."),
        click.option("--library", "libraries", multiple=True, metavar="DIR", help="A folder with libraries."),
        click.option("--dlopen", multiple=True, metavar="DIR", help="Where it opens libraries by name."),
        click.option("--ignore", multiple=True, metavar="SONAME", help="A library that may be missing."),
        click.option("--cores", type=int, default=1),
        click.option("--no-bytecode", is_flag=True, help="Leave bytecode out."),
    ]
    return decorated(function, options)


@command.command("install")
@click.argument("wheel", type=PATH)
@click.argument("out", type=PATH)
@click.option("--filename", required=True, help="The wheel's own name.")
@click.option("--artifact", default="", metavar="JSON", help="The manifest's entry for the locked file.")
@click.option("--work", type=PATH, required=True)
@click.option("--uv", default="uv")
@click.option("--then-settle", is_flag=True, help="Settle it as well.")
@_settling
def install_command(
    wheel: Path, out: Path, filename: str, artifact: str, work: Path, uv: str, then_settle: bool, **said: Any
) -> None:
    """Install one WHEEL into the new folder OUT."""
    from uvlock2nix.cli.inputs import object_of
    from uvlock2nix.venv.wheel import install_ordinary

    about = object_of("--artifact", artifact)
    settling = _read(said)
    wants = install_ordinary(wheel, filename, out, about, settling) if then_settle else None
    if wants is None:
        from uvlock2nix.build.programs import Runner
        from uvlock2nix.venv.single import Place, install_wheel

        work.mkdir(parents=True, exist_ok=True)
        place = Place(Runner(), uv, settling.python, settling.version, work.absolute(), os.environ)
        install_wheel(wheel, filename, out, place, about)
        if then_settle:
            _settle(out, settling)
    else:
        _report(wants)


@command.command("settle")
@click.argument("out", type=PATH)
@_settling
def settle_command(out: Path, **said: Any) -> None:
    """Make the package installed in OUT find its libraries, and compile its modules."""
    _settle(out, _read(said))


def _read(said: dict[str, Any]) -> Settling:
    from uvlock2nix.venv.wheel import Settling

    return Settling(
        said["interpreter"],
        said["version"],
        said["libraries"],
        said["dlopen"],
        said["ignore"],
        0 if said["no_bytecode"] else max(1, said["cores"]),
        program_path(),
        note,
    )


def _settle(out: Path, settling: Settling) -> None:
    from uvlock2nix.venv.wheel import settle_installed

    _report(settle_installed(out, settling))


def _report(wants: Iterable[Want]) -> None:
    for want in wants:
        text = printable(f"{want.file} needs {want.library} of another package")
        click.echo(f"uvlock2nix: {text}", err=True)
