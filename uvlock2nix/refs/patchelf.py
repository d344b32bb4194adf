"""The external programs of restore: ``patchelf`` if an ELF file must grow, ``codesign`` on Darwin."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from uvlock2nix.endings import ended, hint_for
from uvlock2nix.errors import ToolError

# (file, search path or None, keep it a DT_RPATH, interpreter or None)
Grow: TypeAlias = Callable[[Path, bytes | None, bool, bytes | None], None]
Sign: TypeAlias = Callable[[Path], None]


def run_patchelf(file: Path, runpath: bytes | None, force: bool, interpreter: bytes | None) -> None:
    """Let ``patchelf`` rewrite ``file``; :class:`ToolError` if it is missing or fails."""
    command: list[str | bytes] = ["patchelf"]
    if runpath is not None:
        command += [*(["--force-rpath"] if force else []), "--set-rpath", runpath]
    if interpreter is not None:
        command += ["--set-interpreter", interpreter]
    _run([*command, os.fsencode(file)], hint="add patchelf to nativeBuildInputs")


def run_codesign(file: Path) -> None:
    """Sign a changed Mach-O file ad hoc again, without which Darwin does not run it."""
    _run(
        ["codesign", "--force", "--sign", "-", os.fsencode(file)],
        hint="add darwin.sigtool to nativeBuildInputs",
    )


def _run(command: list[str | bytes], *, hint: str) -> None:
    name = os.fsdecode(command[0])
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise ToolError(f"{name} cannot be run: {error.strerror}", hint=hint) from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise ToolError(f"{name} {ended(done.returncode)}: {said[-2000:]}", hint=hint_for(done.returncode))
