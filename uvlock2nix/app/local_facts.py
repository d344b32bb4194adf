"""Read what source trees on disk declare about their build: the user's own, and checked-out commits."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError
from uvlock2nix.inspect.build_system import BuildFacts, read_build_facts, wanted
from uvlock2nix.reading import open_regular

MAX_TEXT: Final = 2 << 20


def local_facts(folder: Path, what: str) -> BuildFacts:
    """The build facts of a source tree on disk. Only its build files are read.

    Raises:
        InputError: they cannot be read.
    """
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*")):
        _add(path, folder, texts)
    facts = read_build_facts(texts, what)
    for inner in facts.backend_path:
        for path in sorted((folder / inner).rglob("*.py"))[:200]:
            if path.resolve().is_relative_to(folder.resolve()):
                _add(path, folder, texts)
    return read_build_facts(texts, what) if facts.backend_path else facts


def _add(path: Path, folder: Path, texts: dict[str, str]) -> None:
    name = path.relative_to(folder).as_posix()
    if (wanted(name) or "/" in name) and path.is_file():
        try:
            with open_regular(path) as file:
                texts[name] = file.read(MAX_TEXT).decode("utf-8", "replace")
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
