"""Reproducible bytecode of installed modules."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from uvlock2nix.errors import ToolError

_SCRIPT: Final = Path(__file__).with_name("compile_modules.py")
# The number of modules that a process compiles in sequence; the same on every machine.
BATCH: Final = 200


def compile_bytecode(folder: Path, python: Path, cores: int) -> None:
    """Compile all modules below ``folder``; a module that does not compile fails on import.

    It is :func:`compile_all` of one folder.
    """
    compile_all([folder], python, cores)


def compile_all(folders: Iterable[Path], python: Path, cores: int) -> None:
    """Compile all modules below ``folders``, or that they are themselves.

    The bytecode is of the kind that is never compared with its source (PEP 552): in the store neither can
    change, and all modification times are equal.

    Python marks in bytecode which of its objects were in use when it was written, and a process that has
    already compiled something uses more of them. So each batch of modules is compiled by its own process,
    forked from one that has compiled nothing, in a fixed order: neither the number of cores nor the other
    packages matter. Without ``cores``, nothing is compiled.

    Raises:
        ToolError: the interpreter cannot be run, or ended early.
    """
    if cores < 1:
        return
    batches = [batch for folder in folders for batch in _batches(folder) if batch]
    if not batches:
        return
    # Largest first, to keep the cores busy to the end.
    batches.sort(key=len, reverse=True)
    # Without `site`, because what it loads depends on the installed packages.
    argv = [str(python), "-I", "-S", "-W", "ignore", str(_SCRIPT), str(cores)]
    names = b"".join(b"\0".join(os.fsencode(name) for name in batch) + b"\0\0" for batch in batches)
    env = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(argv, input=names, check=False, env=env, capture_output=True)
    except OSError as error:
        raise ToolError(
            f"{python}: cannot be run: {error.strerror}", hint="--interpreter names the Python of the target"
        ) from None
    ended = [line.split() for line in done.stdout.decode("ascii", "replace").splitlines()]
    if done.returncode != 0 or ended:
        what = f"compiling {batches[int(ended[0][0])][0]} and others" if ended else "compiling modules"
        code = ended[0][1] if ended else done.returncode
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise ToolError(
            f"{python}: {what} ended with exit code {code}: " + "".join(last),
            hint="set dontCompileBytecode in the derivation to leave bytecode out",
        )


def _batches(folder: Path) -> Iterator[list[str]]:
    """The modules below ``folder``: separate for each of its folders, in batches of limited size."""
    if folder.is_file():
        yield [str(folder)]
        return
    single: list[str] = []
    for entry in sorted(os.scandir(folder), key=lambda one: os.fsencode(one.name)):
        if entry.is_dir(follow_symlinks=False):
            modules = list(_modules(entry.path))
            yield from (modules[at : at + BATCH] for at in range(0, len(modules), BATCH))
        elif entry.name.endswith(".py"):
            single.append(entry.path)
    # A process each: other packages must not matter.
    yield from ([module] for module in single)


def _modules(folder: str) -> Iterator[str]:
    """The modules below a folder, in a fixed order; symlinked folders belong to other packages."""
    for entry in sorted(os.scandir(folder), key=lambda one: os.fsencode(one.name)):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__":
                yield from _modules(entry.path)
        elif entry.name.endswith(".py"):
            yield entry.path
