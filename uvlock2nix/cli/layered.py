"""``venv package`` and ``venv local``: build local packages, and put them over an environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uvlock2nix.printable import printable

if TYPE_CHECKING:
    from uvlock2nix.build.values import Build
    from uvlock2nix.cli.words import Words
    from uvlock2nix.dist.scripts import Script
    from uvlock2nix.venv.making import Making
    from uvlock2nix.venv.members import Places

    # Installed packages, and their scripts.
    Installed = tuple[Path, tuple[Script, ...]]


def layered(env: Path, work: Path, out: Path, words: Words, build: Callable[[], Installed]) -> None:
    """Put local packages and the extra packages over the environment ``env``, and report collisions.

    With ``--local`` they are there; else ``build`` builds and installs them.
    """
    from uvlock2nix.sync.manifest import read_manifest
    from uvlock2nix.venv.interpreter import write_wrapper
    from uvlock2nix.venv.layer import layer

    made_with, compiler, local = making(words), words.text("compiler"), words.path("local")
    if local is None:
        (tree, scripts), link = build(), False
    else:
        from uvlock2nix.venv.local_manifest import read_local

        tree, scripts, link = read_local(local, work)

    def wrap(root: Path, python: Path) -> None:
        if compiler:
            from uvlock2nix.build.programs import Runner

            work.mkdir(parents=True, exist_ok=True)
            write_wrapper(root, python, compiler, work, Runner())

    clashes = layer(
        env,
        tree,
        out,
        str(read_manifest(env)["python"]),
        made_with,
        scripts=scripts,
        link=link,
        wrap=wrap,
        extra=words.paths("extra"),
    )
    for clash in clashes:
        say(f"{clash}")


def built_local(builds: Sequence[Build], places: Places, env: Path, words: Words) -> Installed:
    """Build local packages over the environment ``env``, and install them below the work folder."""
    from uvlock2nix.build.programs import Runner
    from uvlock2nix.venv.members import local_tree, target_of

    uv, python = words.text("uv", "uv"), building_python(words)
    return local_tree(builds, places, Runner(), uv, python, target_of(env))


def installed_local(builds: Sequence[Build], places: Places, out: Path, words: Words) -> None:
    """Build local packages without an environment, and install them into ``out``."""
    from uvlock2nix.build.programs import Runner
    from uvlock2nix.target import Target
    from uvlock2nix.venv.local import install_local

    target = Target.parse(system=words.needed("system"), python=words.needed("python"))
    install_local(builds, places, Runner(), words.text("uv", "uv"), target, making(words), out)


def program_path() -> str:
    """The PATH of the scripts' programs: for the host, as stdenv sets it, else the build's own."""
    return ":".join(os.environ.get(name, "") for name in ("HOST_PATH", "PATH"))


def making(words: Words) -> Making:
    """What an environment is made with inside a build, from the commands' options."""
    from uvlock2nix.venv.making import Making

    python, builder = Path(words.needed("interpreter")), words.path("builder")
    return Making(python, compiling_cores(words), program_path(), builder, note)


def compiling_cores(words: Words) -> int:
    """The number of processes that compile bytecode; 0 if it is left out."""
    return 0 if words.has("no-bytecode") else max(1, words.number("cores"))


def building_python(words: Words) -> Path:
    """The Python that runs builds: that of the build platform, where it is a different one."""
    return words.path("builder") or Path(words.needed("interpreter"))


def note(text: str) -> None:
    """Write a note to the build log."""
    say(f"note: {text}")


def say(text: str) -> None:
    """Write a line to the build log; names in it are those of packages' files."""
    sys.stderr.write(f"uvlock2nix: {printable(text)}\n")
    sys.stderr.flush()
