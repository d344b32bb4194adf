"""``uvlock2nix venv``: the work of env and package. Called by the hooks, not by people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click

from uvlock2nix.cli.decorated import decorated
from uvlock2nix.cli.layered import layered, making
from uvlock2nix.errors import UsageError
from uvlock2nix.printable import printable

if TYPE_CHECKING:
    from uvlock2nix.build.values import Product

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


def _finishing(function: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option("--interpreter", type=PATH, required=True),
        click.option("--builder", type=PATH, help="The same Python for the build platform."),
        click.option("--build-to", type=PATH, help="Folder for the build requirements of local packages."),
        click.option("--package", "packages", type=PATH, multiple=True, help="A package of nixpkgs to link."),
        click.option("--keep", multiple=True, metavar="PATH=NAME", help="The package that wins a path."),
        click.option(
            "--dlopen", multiple=True, metavar="PACKAGE=DIR[:DIR]", help="Where it opens libraries."
        ),
        click.option("--cores", type=int, default=1),
        click.option("--no-bytecode", is_flag=True, help="Leave bytecode out."),
    ]
    return decorated(function, options)


@command.command("finish")
@click.argument("root", type=PATH)
@click.option("--linked", is_flag=True, help="ROOT consists of links made by `join`.")
@_finishing
def finish(root: Path, linked: bool, **said: Any) -> None:
    """Turn the restored tree ROOT into an environment."""
    _finish(root, said, linked=linked)


def _finish(root: Path, said: Mapping[str, Any], *, linked: bool) -> None:
    from uvlock2nix.venv.environment import finish_environment

    folders = (part for one in said["dlopen"] for part in one.partition("=")[2].split(":") if part)
    clashes = finish_environment(
        root,
        making(said["interpreter"], said["builder"], said["cores"], no_bytecode=said["no_bytecode"]),
        build_to=said["build_to"],
        packages=said["packages"],
        keep=_chosen(said["keep"]),
        linked=linked,
        libraries=tuple(map(Path, folders)),
    )
    for clash in clashes:
        click.echo(f"uvlock2nix: {printable(str(clash))}", err=True)
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
@click.option("--expose-to", type=PATH, help="Make this folder what a user installs.")
@click.option("--expose", multiple=True, metavar="NAME", help="With it: a package whose programs are there.")
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
    expose_to: Path | None,
    expose: tuple[str, ...],
) -> None:
    """Build the project's own packages offline and put them over the environment."""
    from uvlock2nix.build.programs import Runner
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
    if expose_to is not None:
        _expose(out, expose_to, expose, scripts[0] if scripts else "")


@command.command("sbom")
@click.argument("venv", type=PATH)
@click.option("--env", type=PATH, required=True, help="The environment below.")
def sbom_command(venv: Path, env: Path) -> None:
    """Print the bill of materials of VENV as CycloneDX JSON."""
    from uvlock2nix.venv.bill import bill_of

    click.echo(json.dumps(bill_of(venv, env), indent=2, ensure_ascii=False))


def _expose(venv: Path, out: Path, packages: tuple[str, ...], script: str) -> None:
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


@command.command("join")
@click.argument("root", type=PATH)
@click.option("--join", "joined", type=PATH, multiple=True, help="The store path of a package.")
@click.option("--python", "version", required=True, help="The minor version of its interpreter.")
@click.option("--system", required=True, help="The system, such as x86_64-linux.")
@click.option("--library", "libraries", multiple=True, metavar="DIR", help="A folder with libraries.")
@click.option("--ignore", multiple=True, metavar="SONAME", help="A library that may be missing.")
@click.option(
    "--link-mode", type=click.Choice(["symlink", "copy"]), default="symlink", help="Symlinks or copies."
)
@click.option("--then-finish", is_flag=True, help="Finish it as well.")
@_finishing
def join_command(
    root: Path,
    joined: tuple[Path, ...],
    version: str,
    system: str,
    link_mode: str,
    then_finish: bool,
    **said: Any,
) -> None:
    """Join several packages into the tree ROOT, with symlinks or copies."""
    from uvlock2nix.venv.copying import copy_links
    from uvlock2nix.venv.join import join

    for one in join(joined, root, version, _chosen(said["keep"]), system=system):
        click.echo(f"uvlock2nix: {printable(str(one))}", err=True)
    copied = _satisfied(root, joined, version, said)
    if link_mode == "copy":
        copy_links(root)
    else:
        for file in copied:
            text = f"{file} is copied: its search path needs an entry"
            click.echo(f"uvlock2nix: {printable(text)}", err=True)
    if then_finish:
        _finish(root, said, linked=link_mode != "copy")


def _satisfied(
    root: Path, joined: tuple[Path, ...], version: str, said: Mapping[str, Any]
) -> tuple[str, ...]:
    from uvlock2nix.venv.wants import wants_of

    if not any(map(wants_of, joined)):
        return ()
    from uvlock2nix.refs.interpreter import default_interpreter
    from uvlock2nix.venv.siblings import satisfy

    return satisfy(
        joined,
        root,
        version,
        libraries=said["libraries"],
        ignore=said["ignore"],
        interpreter=default_interpreter(),
    )


def _chosen(keep: tuple[str, ...]) -> dict[str, str]:
    return {path: name for path, _, name in (one.rpartition("=") for one in keep)}


def _sites(root: Path) -> list[Path]:
    sites = sorted(root.glob("lib/python3*/site-packages"))
    if len(sites) != 1:
        raise UsageError(
            f"{root}: not an environment", hint="pass an environment that `uvlock2nix venv` made"
        )
    return sites
