"""``uvlock2nix venv``: the work of env and package. Called by the hooks, not by people."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import click

from uvlock2nix.build.programs import Runner
from uvlock2nix.build.values import Product
from uvlock2nix.cli.inputs import object_of
from uvlock2nix.cli.layered import layered, making, note, program_path
from uvlock2nix.errors import UsageError
from uvlock2nix.refs.interpreter import default_interpreter

if TYPE_CHECKING:
    pass

PATH = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Make an installed tree a runnable environment."""


@command.command("copy")
@click.argument("deps", type=PATH)
@click.argument("out", type=PATH)
def copy(deps: Path, out: Path) -> None:
    """Copy DEPS to OUT, writable."""
    from uvlock2nix.venv.environment import copy_tree

    copy_tree(deps, out)


@command.command("finish")
@click.argument("root", type=PATH)
@click.option("--interpreter", type=PATH, required=True)
@click.option("--builder", type=PATH, help="The same Python for the build platform.")
@click.option("--build-to", type=PATH, help="Folder for the build requirements of local packages.")
@click.option("--package", "packages", type=PATH, multiple=True, help="A package of nixpkgs to link in.")
@click.option("--keep", multiple=True, metavar="PATH=NAME", help="The package that wins a conflicting path.")
@click.option("--linked", is_flag=True, help="ROOT consists of links made by `join`.")
@click.option("--dlopen", multiple=True, metavar="PACKAGE=DIR[:DIR]", help="Where it opens libraries.")
@click.option("--cores", type=int, default=1)
@click.option("--no-bytecode", is_flag=True, help="Leave bytecode out.")
def finish(
    root: Path,
    interpreter: Path,
    builder: Path | None,
    build_to: Path | None,
    packages: tuple[Path, ...],
    keep: tuple[str, ...],
    linked: bool,
    dlopen: tuple[str, ...],
    cores: int,
    no_bytecode: bool,
) -> None:
    """Turn the restored tree ROOT into an environment."""
    from uvlock2nix.venv.environment import finish_environment

    folders = tuple(Path(part) for one in dlopen for part in one.partition("=")[2].split(":") if part)
    clashes = finish_environment(
        root,
        making(interpreter, builder, cores, no_bytecode=no_bytecode),
        build_to=build_to,
        packages=packages,
        keep=_chosen(keep),
        linked=linked,
        libraries=folders,
    )
    for clash in clashes:
        click.echo(f"uvlock2nix: {clash}", err=True)
    if clashes:
        click.echo(
            "uvlock2nix: hint: choose the package that wins under [tool.uvlock2nix.collisions], "
            "or take the package from the lock with `deny` under [tool.uvlock2nix.nixpkgs]",
            err=True,
        )


@command.command("package")
@click.option("--env", "env_path", type=PATH, required=True, help="The environment below.")
@click.option("--requires", type=PATH, required=True, help="The build requirements, a folder per package.")
@click.option("--out", type=PATH, required=True)
@click.option("--work", type=PATH, required=True)
@click.option("--interpreter", type=PATH, required=True)
@click.option("--builder", type=PATH, help="The same Python for the build platform.")
@click.option("--member", "members", multiple=True, metavar="NAME=PATH", help="Percent-encoded.")
@click.option(
    "--script", "scripts", multiple=True, help="A script, then the files it needs; percent-encoded."
)
@click.option("--native", default="", help="JSON: each package's native inputs.")
@click.option("--version", help="The version of packages that take theirs from git.")
@click.option("--versions", default="", help="JSON: the versions of packages that differ.")
@click.option("--cores", type=int, default=1)
@click.option("--no-bytecode", is_flag=True, help="Leave bytecode out.")
@click.option("--extra", type=PATH, multiple=True, help="More packages: of nixpkgs, or a whole environment.")
@click.option("--product", type=click.Choice(["wheel", "sdist"]), help="Build these files into OUT instead.")
@click.option("--only", multiple=True, metavar="NAME", help="With --product: only these members.")
@click.option("--compiler", help="A C compiler: bin/python becomes a program that works through any symlink.")
@click.option("--uv", default="uv")
def package(
    env_path: Path,
    requires: Path,
    out: Path,
    work: Path,
    interpreter: Path,
    builder: Path | None,
    members: tuple[str, ...],
    scripts: tuple[str, ...],
    native: str,
    version: str | None,
    versions: str,
    cores: int,
    no_bytecode: bool,
    extra: tuple[Path, ...],
    product: Product | None,
    only: tuple[str, ...],
    compiler: str | None,
    uv: str,
) -> None:
    """Build the project's own packages offline and put them over the environment."""
    from uvlock2nix.build.values import parse_native
    from uvlock2nix.venv.members import Places, local_builds, parse_versions
    from uvlock2nix.venv.product import build_products

    builds = local_builds(
        map(_member, members), parse_native(native, "uvPackageNative"), version, parse_versions(versions)
    )
    places = Places(env_path, requires, work.absolute())
    if product is not None:
        chosen = [build for build in builds if not only or build.name in only]
        build_products(chosen, product, places, Runner(), uv, builder or interpreter, out)
        return
    made_with = making(interpreter, builder, cores, no_bytecode=no_bytecode)
    layered(builds, places, out, made_with, uv, compiler, extra)
    if scripts:
        from uvlock2nix.venv.script import install_script

        install_script(tuple(Path(unquote(one)) for one in scripts), out)


@command.command("sbom")
@click.argument("venv", type=PATH)
@click.option("--env", type=PATH, required=True, help="The environment below.")
def sbom_command(venv: Path, env: Path) -> None:
    """Print the bill of materials of VENV as CycloneDX JSON."""
    from uvlock2nix.venv.bill import bill_of

    click.echo(json.dumps(bill_of(venv, env), indent=2, ensure_ascii=False))


@command.command("expose")
@click.argument("venv", type=PATH)
@click.argument("out", type=PATH)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="A package whose programs are exposed (repeatable).",
)
@click.option("--script", help="The script that the program runs.")
def expose_command(venv: Path, out: Path, packages: tuple[str, ...], script: str | None) -> None:
    """Make OUT, which users install: links to the programs of VENV."""
    from uvlock2nix.scripts import program_of
    from uvlock2nix.venv.programs import expose

    expose(venv, out, _sites(venv)[0], packages, [program_of(unquote(script))] if script else [])


def _member(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    folder = Path(unquote(path))
    if not equals or not folder.is_dir():
        raise UsageError(
            f"--member {text}: not NAME=PATH of a folder", hint="for example --member app=packages/app"
        )
    return name, folder.absolute()


@command.command("install")
@click.argument("wheel", type=PATH)
@click.argument("out", type=PATH)
@click.option("--filename", required=True, help="The wheel's own name.")
@click.option("--artifact", default="", metavar="JSON", help="The manifest's entry for the locked file.")
@click.option("--interpreter", type=PATH, required=True)
@click.option("--python", "version", required=True, help="The Python version, such as 3.12.")
@click.option("--work", type=PATH, required=True)
@click.option("--uv", default="uv")
def install_command(
    wheel: Path,
    out: Path,
    filename: str,
    artifact: str,
    interpreter: Path,
    version: str,
    work: Path,
    uv: str,
) -> None:
    """Install one WHEEL into the new folder OUT."""
    from uvlock2nix.venv.single import Place, install_wheel

    work.mkdir(parents=True, exist_ok=True)
    place = Place(Runner(), uv, interpreter, version, work.absolute(), os.environ)
    install_wheel(wheel, filename, out, place, object_of("--artifact", artifact))


@command.command("settle")
@click.argument("out", type=PATH)
@click.option("--interpreter", type=PATH, required=True)
@click.option("--library", "libraries", multiple=True, metavar="DIR", help="A folder with libraries.")
@click.option("--dlopen", multiple=True, metavar="DIR", help="A folder to open libraries from.")
@click.option("--ignore", multiple=True, metavar="SONAME", help="A library that may be missing.")
@click.option("--cores", type=int, default=1)
@click.option("--no-bytecode", is_flag=True, help="Leave bytecode out.")
def settle_command(
    out: Path,
    interpreter: Path,
    libraries: tuple[str, ...],
    dlopen: tuple[str, ...],
    ignore: tuple[str, ...],
    cores: int,
    no_bytecode: bool,
) -> None:
    """Make the package in OUT find its libraries, and compile its modules."""
    from uvlock2nix.dist.installed import installed
    from uvlock2nix.dist.shebangs import Programs, give_interpreters
    from uvlock2nix.layout import SCRIPTS
    from uvlock2nix.venv.single import settle

    (site,) = _sites(out)
    for script in give_interpreters(out, (site, out / SCRIPTS), Programs(interpreter, program_path())):
        note(f"{script} is not among the inputs, so the script is left unchanged (docs/libraries.md)")
    wants = settle(
        out,
        python=interpreter,
        libraries=libraries,
        ignore=ignore,
        dlopen={one.name: dlopen for one in installed(site)} if dlopen else {},
        interpreter=default_interpreter(),
        cores=0 if no_bytecode else max(1, cores),
    )
    for want in wants:
        click.echo(f"uvlock2nix: {want.file} needs {want.library} of another package", err=True)


@command.command("join")
@click.argument("root", type=PATH)
@click.option("--package", "packages", type=PATH, multiple=True, help="The store path of a package.")
@click.option("--python", "version", required=True, help="The minor version of its interpreter.")
@click.option("--system", required=True, help="The system, such as x86_64-linux.")
@click.option("--library", "libraries", multiple=True, metavar="DIR", help="A folder with libraries.")
@click.option("--ignore", multiple=True, metavar="SONAME", help="A library that may be missing.")
@click.option("--keep", multiple=True, metavar="PATH=NAME", help="The package that wins a conflicting path.")
@click.option(
    "--link-mode", type=click.Choice(["symlink", "copy"]), default="symlink", help="Symlinks or copies."
)
def join_command(
    root: Path,
    packages: tuple[Path, ...],
    version: str,
    system: str,
    libraries: tuple[str, ...],
    ignore: tuple[str, ...],
    keep: tuple[str, ...],
    link_mode: str,
) -> None:
    """Join several packages into the tree ROOT, with symlinks or copies."""
    from uvlock2nix.venv.copying import copy_links
    from uvlock2nix.venv.join import join
    from uvlock2nix.venv.siblings import satisfy

    for one in join(packages, root, version, _chosen(keep), system=system):
        click.echo(f"uvlock2nix: {one}", err=True)
    copied = satisfy(
        packages, root, version, libraries=libraries, ignore=ignore, interpreter=default_interpreter()
    )
    if link_mode == "copy":
        copy_links(root)
        return
    for file in copied:
        click.echo(f"uvlock2nix: {file} is copied: its search path needs an entry", err=True)


def _chosen(keep: tuple[str, ...]) -> dict[str, str]:
    return {path: name for path, _, name in (one.rpartition("=") for one in keep)}


def _sites(root: Path) -> list[Path]:
    sites = sorted(root.glob("lib/python3*/site-packages"))
    if len(sites) != 1:
        raise UsageError(
            f"{root}: not an environment", hint="pass an environment that `uvlock2nix venv` made"
        )
    return sites
