"""Scripts whose shebang names a program by a path that a NixOS system does not have.

``/bin/sh`` exists everywhere; ``/bin/bash``, ``/usr/bin/python3`` and ``/usr/bin/env node`` do not.
Executables of packages get the program of the environment, or of the build's inputs, in their shebang.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvlock2nix.dist.launchers import shebang
from uvlock2nix.dist.record import is_record, read_record
from uvlock2nix.first_lines import LIMIT, Asked, asked
from uvlock2nix.regex import regex

_PYTHON: Final = regex(r"python(3(\.\d+)?)?t?\Z")
_SHELLS: Final = ("sh", "dash")


@dataclass(frozen=True, slots=True)
class Programs:
    """Where to find programs: the environment's ``python``, and a search ``path`` of folders in ``store``.

    ``own`` are the programs of packages in the environment, next to its Python: in a shell with the
    environment activated, they come first.
    """

    python: Path
    path: str
    store: str = "/nix/store"
    own: frozenset[str] = frozenset()

    def find(self, name: str) -> str | None:
        """The path of a program that will exist when the script runs."""
        if name in _SHELLS:
            return "/bin/sh"
        if name in self.own:
            return str(self.python.parent / name)
        folders = [folder for folder in self.path.split(":") if folder.startswith(f"{self.store}/")]
        return shutil.which(name, path=":".join(folders)) if folders else None


@dataclass(frozen=True, slots=True)
class Unrun:
    """A script (``path`` below the root) whose ``program`` is not there: it was left as it is."""

    path: str
    program: str


def scripts_of(root: Path) -> Iterator[Path]:
    """The executable files below ``root`` that begin with ``#!``; no symlinks."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file() or not path.stat().st_mode & 0o111:
                continue
            with path.open("rb") as file:
                if file.read(2) == b"#!":
                    yield path


def give_interpreters(root: Path, folders: tuple[Path, ...], programs: Programs) -> tuple[Unrun, ...]:
    """Rewrite the shebangs of the scripts in ``folders`` (below ``root``), and their lines in RECORDs.

    Returns the scripts whose program was not found; they are unchanged.
    """
    changed: dict[str, Path] = {}
    missing: list[Unrun] = []
    for path in (path for folder in folders if folder.is_dir() for path in scripts_of(folder)):
        content = path.read_bytes()
        wanted = asked(content[:LIMIT], programs.store)
        if wanted is None:
            continue
        line = _line(wanted, programs) if wanted.program != path.name else None
        if line is None:
            missing.append(Unrun(str(path.relative_to(root)), wanted.program))
            continue
        path.write_bytes(line + content[content.index(b"\n") + 1 :])
        changed[str(path.relative_to(root))] = path
    if changed:
        _correct_records(root, folders, changed)
    return tuple(missing)


def _line(wanted: Asked, programs: Programs) -> bytes | None:
    python = _PYTHON.match(wanted.program) is not None
    if python and not wanted.arguments:
        return shebang(programs.python).encode()
    found = str(programs.python) if python else programs.find(wanted.program)
    if found is not None and wanted.split:
        splitter = programs.find("env")
        found = f"{splitter} -S {found}" if splitter is not None else None
    if found is None:
        return None
    return os.fsencode(f"#!{found} {wanted.arguments}".rstrip() + "\n")


def _correct_records(root: Path, folders: tuple[Path, ...], changed: dict[str, Path]) -> None:
    for folder in folders:
        for path in sorted(folder.glob("*.dist-info/RECORD")):
            name = str(path.relative_to(root))
            corrected = read_record(root, name).corrected(changed) if is_record(name) else None
            if corrected is not None:
                path.write_bytes(corrected)
