"""One wheel in a store path of its own (mode `files`), from the file to the finished package in one process.

It runs once for each package: an ordinary wheel of pure Python loads neither what reads ELF files nor uv.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uvlock2nix.layout import SCRIPTS, site_packages
from uvlock2nix.venv.bytecode import compile_bytecode
from uvlock2nix.venv.own_manifest import of_package, write
from uvlock2nix.venv.unpack import unpack_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvlock2nix.venv.wants import Want


class Settling(NamedTuple):
    """What an installed package is made right with.

    ``python`` is the interpreter that runs it, of the minor ``version``; ``libraries``, ``dlopen`` and
    ``ignore`` as :func:`uvlock2nix.venv.single.settle` takes them; ``program_path`` finds the programs that
    run scripts; without ``cores`` there is no bytecode; ``note`` gets what people may want to know.
    """

    python: Path
    version: str
    libraries: Sequence[str]
    dlopen: Sequence[str]
    ignore: Sequence[str]
    cores: int
    program_path: str
    note: Callable[[str], None]


def install_ordinary(
    wheel: Path, filename: str, out: Path, artifact: Mapping[str, object], settling: Settling
) -> tuple[Want, ...] | None:
    """Install an ordinary wheel into the new folder ``out`` and settle it; None where it is not ordinary.

    Returned are the libraries that only a sibling can have, as :func:`uvlock2nix.venv.single.settle` does.

    Raises:
        InputError: the wheel is damaged.
        RefsError: a file cannot be changed.
        ToolError: modules cannot be compiled.
    """
    site = out / site_packages(settling.version)
    found = unpack_wheel(wheel, filename, site)
    if found is None:
        return None
    manifest = of_package(
        found.name,
        found.version,
        python=settling.version,
        filename=filename,
        artifact=artifact,
        scripts=[],
    )
    write(out, manifest)
    if found.scripts:
        _give_programs(out, settling)
    if found.binary:
        return _settle(out, found.name, settling, patched=False)
    if found.modules:
        compile_bytecode(site, settling.python, settling.cores)
    return ()


def settle_installed(out: Path, settling: Settling) -> tuple[Want, ...]:
    """Settle a package that is installed in ``out``, and that may have been patched since.

    Returned are the libraries that only a sibling can have.

    Raises:
        InputError: there is none.
        RefsError: a file cannot be changed.
        ToolError: modules cannot be compiled.
    """
    from uvlock2nix.dist.installed import installed
    from uvlock2nix.errors import InputError

    there = installed(out / site_packages(settling.version))
    if len(there) != 1:
        raise InputError(f"{out}: no package is installed in it", hint="set dontUseUvWheel if there is none")
    _give_programs(out, settling)
    return _settle(out, there[0].name, settling, patched=True)


def _give_programs(out: Path, settling: Settling) -> None:
    from uvlock2nix.dist.shebangs import Programs, give_interpreters

    site = out / site_packages(settling.version)
    unrun = give_interpreters(out, (site, out / SCRIPTS), Programs(settling.python, settling.program_path))
    if unrun:
        from uvlock2nix.venv.unrun import unrun_notes

        for text in unrun_notes(unrun, out, site, "dlopen"):
            settling.note(text)


def _settle(out: Path, name: str, settling: Settling, *, patched: bool) -> tuple[Want, ...]:
    from uvlock2nix.refs.interpreter import default_interpreter
    from uvlock2nix.venv.single import settle

    return settle(
        out,
        python=settling.python,
        libraries=settling.libraries,
        ignore=settling.ignore,
        dlopen={name: settling.dlopen} if settling.dlopen else {},
        interpreter=default_interpreter(),
        cores=settling.cores,
        patched=patched,
    )
