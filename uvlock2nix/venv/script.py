"""A script (PEP 723) in an environment: the file, the files that it needs, its program."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.scripts import program_of
from uvlock2nix.venv.copying import copy_file, copy_writable

# Python runs the script next to its other files, as `uv run` does: for `__file__` and imports.
_LAUNCHER: Final = """\
#!{python}
import os, sys
script = {script!r}
# Programs of this environment come first, as with `uv run`.
os.environ["PATH"] = {folder!r} + os.pathsep + os.environ.get("PATH", os.defpath)
os.execv(sys.executable, [sys.executable, script, *sys.argv[1:]])
"""


def install_script(files: Sequence[Path], venv: Path) -> None:
    """Put a script and its other files into ``venv``, and the program that runs it into ``bin``.

    ``files`` are relative to the current folder, the script first. The program replaces a dependency's
    program of the same name.

    Raises:
        InputError: a file does not exist, or is not below that folder.
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
