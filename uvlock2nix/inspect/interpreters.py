"""The interpreters of scripts other than Python and shells, which always exist."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.first_lines import LIMIT, asked, is_program
from uvlock2nix.reading import open_regular
from uvlock2nix.regex import regex

# Python is the environment's own, sh and bash are in every build.
_THERE: Final = regex(r"(python[0-9.]*t?|sh|bash|dash)\Z")
# Many archives mark every file as executable; these are not scripts.
_NO_SCRIPT: Final = regex(r".*\.(pyc?|pyi|pyx|txt|md|rst|json|toml|ya?ml|c|h|cpp|hpp|html|css|png|svg)\Z")
# Folders of a source tree that only developers use.
_DEVELOPERS: Final = regex(
    r"(\..*|tests?|testing|docs?|examples?|benchmarks?|ci|node_modules|__pycache__|venv|build|dist|target)\Z"
)
_BUILD_FILES: Final = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "meson.build",
    "CMakeLists.txt",
    "hatch.toml",
)
_MOST_FILES: Final = 50_000
_MOST_BYTES: Final = 1 << 20


def is_no_script(name: str) -> bool:
    """Whether a file is not a script or a Python script, by its name."""
    return _NO_SCRIPT.match(name) is not None


def foreign_interpreter(first: bytes) -> str | None:
    """The program in a shebang whose path a NixOS system does not have, unless it is Python or a shell.

    None as well for what no program can be called.
    """
    wanted = asked(first)
    if wanted is None or _THERE.match(wanted.program) or not is_program(wanted.program):
        return None
    return wanted.program


def interpreters_of_tree(tree: Path) -> Mapping[str, str]:
    """Program → the first executable of a source tree that names it, among those that a build may install.

    A script counts if it is in a Python package or below ``src``, or if a build file mentions it or its
    folder.
    """
    texts = "\n".join(_text(tree / name) for name in _BUILD_FILES)
    found: dict[str, str] = {}
    for path in _executables(tree):
        if is_no_script(path.name) or not _is_installed(tree, path, texts):
            continue
        try:
            with open_regular(path) as file:
                name = foreign_interpreter(file.read(LIMIT))
        except OSError:
            continue  # it cannot be installed either
        if name is not None:
            found.setdefault(name, str(path.relative_to(tree)))
    return found


def _executables(tree: Path) -> Iterator[Path]:
    return (path for path in files_of_tree(tree) if path.stat().st_mode & 0o111)


def files_of_tree(tree: Path) -> Iterator[Path]:
    """The files of a source tree that a build may install, at most 50,000; no links."""
    left = _MOST_FILES
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if not _DEVELOPERS.match(name))
        for name in sorted(names):
            left -= 1
            if left < 0:
                return
            path = Path(folder, name)
            if not path.is_symlink():
                yield path


def _is_installed(tree: Path, path: Path, texts: str) -> bool:
    parts = path.relative_to(tree).parts
    if parts[0] == "src" or path.name in texts or (len(parts) > 1 and f"{parts[0]}/" in texts):
        return True
    return any((folder / "__init__.py").is_file() for folder in path.parents if folder.is_relative_to(tree))


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
