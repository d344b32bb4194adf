"""``uvlock2nix venv``: the work of env and package. Called by the hooks, not by people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvlock2nix.cli.inside import Command
from uvlock2nix.cli.layered import building_python, built_local, installed_local, layered, making, say
from uvlock2nix.cli.words import Options, Words
from uvlock2nix.errors import UsageError

if TYPE_CHECKING:
    from uvlock2nix.build.values import Build, Product
    from uvlock2nix.dist.scripts import Script


def _copy(words: Words) -> None:
    """Copy DEPS to OUT, writable."""
    from uvlock2nix.venv.environment import copy_tree

    copy_tree(*map(Path, words.arguments))


def _finish(words: Words) -> None:
    """Turn the restored tree ROOT into an environment; ``--linked``: it consists of links made by `join`."""
    _finish_in(Path(words.arguments[0]), words, linked=words.has("linked"))


def _finish_in(root: Path, words: Words, *, linked: bool) -> None:
    from uvlock2nix.venv.environment import finish_environment

    folders = (part for one in words.all("dlopen") for part in one.partition("=")[2].split(":") if part)
    clashes = finish_environment(
        root,
        making(words),
        build_to=words.path("build-to"),
        packages=words.paths("package"),
        keep=_chosen(words.all("keep")),
        linked=linked,
        libraries=tuple(map(Path, folders)),
    )
    for clash in clashes:
        say(f"{clash}")
    if clashes:
        say(
            "hint: choose the package that wins under [tool.uvlock2nix.collisions], "
            "or take the package from the lock with `deny` under [tool.uvlock2nix.nixpkgs]"
        )


def _package(words: Words) -> None:
    """Build the project's own packages offline, or take them from ``--local``; put them over the environment.

    ``--product``: build these files into OUT instead.
    """
    out, (requires, work) = Path(words.needed("out")), _places(words)
    env = _env(words.needed("env"), words, work / "env", out)
    if words.has("product"):
        _product(env, requires, work, out, words)
        return

    def build() -> tuple[Path, tuple[Script, ...]]:
        from uvlock2nix.venv.members import Places

        return built_local(_builds(words), Places(env, requires, work), env, words)

    layered(env, work, out, words, build)
    scripts = words.all("script")
    if scripts:
        from urllib.parse import unquote

        from uvlock2nix.venv.script import install_script

        install_script(tuple(Path(unquote(one)) for one in scripts), out)
    exposed = words.path("expose-to")
    if exposed is not None:
        _expose(out, exposed, words.all("expose"), scripts[0] if scripts else "")


def _product(env: Path, requires: Path, work: Path, out: Path, words: Words) -> None:
    from uvlock2nix.build.programs import Runner
    from uvlock2nix.venv.members import Places
    from uvlock2nix.venv.product import build_products

    product: Product = "sdist" if words.choice("product", ("wheel", "sdist"), "") == "sdist" else "wheel"
    chosen = [one for one in _builds(words) if one.name in words.all("only") or not words.has("only")]
    places, uv = Places(env, requires, work), words.text("uv", "uv")
    build_products(chosen, product, env, places, Runner(), uv, building_python(words), out)


def _env(text: str, words: Words, place: Path, out: Path) -> Path:
    """The environment below: a path, or JSON of the options to join it with; then it is made at ``place``."""
    if not text.startswith("{"):
        return Path(text)
    from uvlock2nix.cli.inputs import object_of
    from uvlock2nix.venv.layer import make_temporary
    from uvlock2nix.venv.wants import wants_of

    given: dict[str, tuple[str, ...]] = {"cores": (words.text("cores", "1"),), "then-finish": ("",)}
    for name, values in object_of("--env", text).items():
        if name not in COMMANDS["join"].options.names() or not isinstance(values, list):
            raise UsageError(f"--env: {name}: unknown", hint="pass the options of `venv join`, each a list")
        given[name] = tuple(map(str, values))
    # Search paths between packages lead through the environment that will stay.
    root = out if any(map(wants_of, map(Path, given.get("join", ())))) else place
    _join(Words((str(root),), given))
    make_temporary(root, place)
    return place


def _local(words: Words) -> None:
    """Build the project's own packages offline, without an environment, and install them into OUT."""
    from uvlock2nix.venv.members import Places

    (out,) = map(Path, words.arguments)
    installed_local(_builds(words), Places(None, *_places(words)), out, words)


def _places(words: Words) -> tuple[Path, Path]:
    """Where the build requirements are, and a folder for the work."""
    return Path(words.needed("requires")), Path(words.needed("work")).absolute()


def _builds(words: Words) -> tuple[Build, ...]:
    from uvlock2nix.build.values import parse_native
    from uvlock2nix.venv.members import local_builds, parse_versions

    return local_builds(
        map(_member, words.all("member")),
        parse_native(words.text("native"), "uvPackageNative"),
        words.text("version") if words.has("version") else None,
        parse_versions(words.text("versions")),
    )


def _sbom(words: Words) -> None:
    """Print the bill of materials of VENV as CycloneDX JSON."""
    from uvlock2nix.venv.bill import bill_of

    bill = bill_of(Path(words.arguments[0]), Path(words.needed("env")))
    sys.stdout.write(json.dumps(bill, indent=2, ensure_ascii=False) + "\n")


def _expose(venv: Path, out: Path, packages: tuple[str, ...], script: str) -> None:
    from uvlock2nix.venv.programs import expose

    programs: list[str] = []
    if script:
        from urllib.parse import unquote

        from uvlock2nix.scripts import program_of

        programs.append(program_of(unquote(script)))
    expose(venv, out, _sites(venv)[0], packages, programs)


def _member(text: str) -> tuple[str, Path]:
    from urllib.parse import unquote

    name, equals, path = text.partition("=")
    folder = Path(unquote(path))
    if not equals or not folder.is_dir():
        raise UsageError(
            f"--member {text}: not NAME=PATH of a folder", hint="for example --member app=packages/app"
        )
    return name, folder.absolute()


def _join(words: Words) -> None:
    """Join several packages into the tree ROOT, with symlinks or copies."""
    from uvlock2nix.venv.copying import copy_links
    from uvlock2nix.venv.join import join

    (root,) = map(Path, words.arguments)
    joined, version = words.paths("join"), words.needed("python")
    copies = words.choice("link-mode", ("symlink", "copy"), "symlink") == "copy"
    for one in join(joined, root, version, _chosen(words.all("keep")), system=words.needed("system")):
        say(f"{one}")
    copied = _satisfied(root, joined, version, words)
    if copies:
        copy_links(root)
    else:
        for file in copied:
            say(f"{file} is copied: its search path needs an entry")
    if words.has("then-finish"):
        _finish_in(root, words, linked=not copies)


def _satisfied(root: Path, joined: tuple[Path, ...], version: str, words: Words) -> tuple[str, ...]:
    from uvlock2nix.venv.wants import wants_of

    if not any(map(wants_of, joined)):
        return ()
    from uvlock2nix.refs.interpreter import default_interpreter
    from uvlock2nix.venv.siblings import satisfy

    return satisfy(
        joined,
        root,
        version,
        libraries=words.all("library"),
        ignore=words.all("ignore"),
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


_MAKING: Final = "interpreter builder cores"
_FINISHING: Final = Options(f"{_MAKING} build-to", "package keep dlopen", "no-bytecode")
# Paths of members and scripts are percent-encoded.
_BUILDING: Final = Options(f"{_MAKING} requires work native version versions uv", "member", "no-bytecode")
COMMANDS: Final[Mapping[str, Command]] = {
    "copy": Command(_copy, Options(), "DEPS OUT"),
    "finish": Command(_finish, _FINISHING._replace(flags="no-bytecode linked"), "ROOT"),
    "join": Command(
        _join,
        Options(
            f"{_FINISHING.single} python system link-mode",
            f"{_FINISHING.repeated} join library ignore",
            "no-bytecode then-finish",
        ),
        "ROOT",
    ),
    "local": Command(_local, _BUILDING._replace(single=f"{_BUILDING.single} python system"), "OUT"),
    "package": Command(
        _package,
        Options(
            f"{_BUILDING.single} env out local product compiler expose-to",
            "member script extra only expose",
            "no-bytecode",
        ),
    ),
    "sbom": Command(_sbom, Options("env"), "VENV"),
}
