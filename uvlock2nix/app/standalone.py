"""``generate --standalone``: the parts of uvlock2nix that generated files need are written next to them.

The folder ``uvlock2nix`` then has our Nix library, the setup hooks, and those modules of this package that
run inside builds, unchanged. Its ``files.json`` lists them with their digests: a file that does not match its
digest was edited.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from uvlock2nix import __version__
from uvlock2nix.app.files import Generated
from uvlock2nix.emit.attributes import STANDALONE
from uvlock2nix.reading import read_regular
from uvlock2nix.resources import PACKAGE, hooks_dir, nix_dir

LIST: Final = "files.json"
# The modules that hooks call; everything that they import is included.
ENTRIES: Final = tuple(
    f"{PACKAGE.name}.{name}"
    for name in ("__main__", "cli", "cli.refs", "cli.sdist", "cli.sync", "cli.venv", "cli.wheel")
)


def standalone_files(folder: Path) -> tuple[Generated, ...]:
    """The files below ``folder``/uvlock2nix, with what is on disk.

    Raises:
        InputError: a file cannot be read.
    """
    place = folder / STANDALONE
    texts = dict(sorted(_texts()))
    known = _known(place / LIST)
    found = [_generated(place / path, text, known.get(str(path))) for path, text in texts.items()]
    listed = {str(path): _digest(text) for path, text in texts.items()}
    text = json.dumps({"version": __version__, "files": listed}, indent=1, sort_keys=True) + "\n"
    return (*found, Generated.of(place / LIST, text, ours=True))


def _texts() -> Iterator[tuple[PurePosixPath, str]]:
    yield PurePosixPath("default.nix"), _read(nix_dir() / "standalone.nix")
    yield PurePosixPath("uvlock2nix.nix"), _read(nix_dir() / "uvlock2nix.nix")
    for folder in ("application", "lib"):
        for path in (nix_dir() / folder).iterdir():
            yield PurePosixPath(folder, path.name), _read(path)
    for path in hooks_dir().iterdir():
        if path.suffix in (".nix", ".sh"):
            yield PurePosixPath("hooks", path.name), _read(path)
    for path in run_time_files():
        yield PurePosixPath("source", *path.relative_to(PACKAGE).parts), _read(path)


def run_time_files() -> tuple[Path, ...]:
    """The files of this package that run inside builds: modules, what they import, and their data."""
    todo = [file for name in ENTRIES if (file := _module(name)) is not None]
    found: set[Path] = set()
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            todo += _needed(path)
    return tuple(sorted(found))


def _needed(path: Path) -> Iterator[Path]:
    """The files of ours that a module needs: imports, parent packages, and scripts and data that it names."""
    for parent in path.relative_to(PACKAGE).parents:
        yield PACKAGE / parent / "__init__.py"
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{one.name}" for one in node.names)]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _named(path, node.value)
        yield from (file for name in names if (file := _module(name)) is not None)


def _named(path: Path, text: str) -> Iterator[Path]:
    if PurePosixPath(text).name == text and text.endswith((".py", ".json")):
        places = (path.parent / text, path.parent / "data" / text)
        yield from (place for place in places if place.is_file())


def _module(name: str) -> Path | None:
    """The file of a module of ours; None for any other name."""
    top, *parts = name.split(".")
    if top != PACKAGE.name:
        return None
    place = PACKAGE.joinpath(*parts)
    files = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def _generated(path: Path, text: str, known: str | None) -> Generated:
    """A copied file: ours if it does not exist or is as we wrote it."""
    found = Generated.of(path, text, ours=True)
    return found._replace(ours=found.old is None or known == _digest(found.old))


def _known(path: Path) -> Mapping[str, str]:
    """Path → digest of what we wrote; empty if the list is missing or damaged."""
    try:
        value = json.loads(read_regular(path))
    except (OSError, ValueError):
        return {}
    files = value.get("files") if isinstance(value, dict) else None
    return {str(path): str(digest) for path, digest in files.items()} if isinstance(files, dict) else {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
