"""A script with inline metadata (PEP 723): its program, and the files that it needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from uvlock2nix.errors import ProjectError
from uvlock2nix.lock import Project
from uvlock2nix.lock.wire import load_bytes

MAX_BYTES = 16 << 20


def program_of(script: str) -> str:
    """The name of the program that a script becomes: ``tool.py`` is ``tool``."""
    return script.removesuffix(".py")


def script_files(project: Project, include: Sequence[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """The script first, then the modules in its folder that it imports, and the files in ``include``.

    As with ``uv run``, Python searches the script's folder first; but that folder may contain anything, so
    only what is needed is included.

    Raises:
        ProjectError: a file cannot be read.
    """
    assert project.script is not None  # noqa: S101 - only called for scripts
    first = PurePosixPath(project.script.name)
    found: dict[PurePosixPath, None] = {first: None}
    queue = [first]
    while queue:
        for module in _modules(project.root, queue.pop()):
            if module not in found:
                found[module] = None
                queue.append(module)
    found |= dict.fromkeys(include)
    return tuple(found)


def _modules(root: Path, path: PurePosixPath) -> Iterator[PurePosixPath]:
    """The modules and packages next to the script that a file imports; of a package, all its files."""
    place = root / path
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    for name in sorted({name for file in files for name in _imported(file)}):
        if (root / f"{name}.py").is_file():
            yield PurePosixPath(f"{name}.py")
        elif (root / name / "__init__.py").is_file():
            yield PurePosixPath(name)


def _imported(file: Path) -> Iterator[str]:
    """The top-level names that a file imports. A file that is not Python imports nothing."""
    if file.suffix not in ("", ".py"):
        return
    data = load_bytes(file, limit=MAX_BYTES, error=ProjectError)
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
