"""A script of its own (PEP 723) in an environment: the file, what it takes along, its program."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.scripts import program_of
from uvlock2nix.venv.copying import copy_file, copy_writable

# Python sees the script where its companions are, as with `uv run`: `__file__`, the first place for imports.
_LAUNCHER: Final = """\
#!{python}
import os, sys
script = {script!r}
# Programs of this environment come first, as with `uv run`.
os.environ["PATH"] = {folder!r} + os.pathsep + os.environ.get("PATH", os.defpath)
os.execv(sys.executable, [sys.executable, script, *sys.argv[1:]])
"""


def install_script(files: Sequence[Path], venv: Path) -> None:
    """Put a script and its companions into ``venv``, and the program that runs it into its ``bin``.

    ``files`` are relative to the folder that this runs in, the script first. A program of that name that a
    dependency has gives way.

    Raises:
        InputError: a file is not there, or is not below that folder.
    """
    program = program_of(files[0].name)
    place = venv / "libexec" / program
    for path in files:
        if path.is_absolute() or ".." in path.parts or not path.exists():
            raise InputError(
                f"{path}: the script's file is not in the source", hint="run `uvlock2nix generate`"
            )
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            copy_writable(path, target)
        else:
            copy_file(path, target)
    launcher = venv / "bin" / program
    launcher.unlink(missing_ok=True)
    folder, script = os.fspath(venv / "bin"), os.fspath(place / files[0])
    text = _LAUNCHER.format(python=f"{folder}/python", folder=folder, script=script)
    launcher.write_text(text, encoding="utf-8")
    launcher.chmod(0o755)
