"""Compiled files get no RPATH; the libraries that they were linked against are recorded instead.

nixpkgs' linker wrapper adds the folder of each library to the RPATH, and so the length of each library's
version to the file's layout (see :mod:`uvlock2nix.refs.linked`). ``NIX_DONT_SET_RPATH`` switches that off.
Programs that a build links and runs then need ``LD_LIBRARY_PATH``.
"""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from uvlock2nix.refs.elf import MAGIC, CorruptElf, read_elf
from uvlock2nix.refs.linked import Linked
from uvlock2nix.refs.store import STORE_DIR, Keys, StorePath


def without_rpath(env: Mapping[str, str], others: Iterable[str] = ()) -> dict[str, str]:
    """``env`` for a build whose linker writes no RPATH.

    ``others`` are further library folders for programs that the build runs: those of packages that were built
    before and that this build loads. Without nixpkgs' compiler, nothing changes.
    """
    if not _is_nixpkgs_linux(env):
        return dict(env)
    kept = _without_rpath_words(env.get("NIX_LDFLAGS", "").split())
    found = dict.fromkeys((*library_folders(env), *others))
    paths = [path for path in (*found, *env.get("LD_LIBRARY_PATH", "").split(":")) if path]
    return {
        **env,
        "NIX_DONT_SET_RPATH": "1",
        "NIX_LDFLAGS": " ".join(kept),
        **({"LD_LIBRARY_PATH": ":".join(paths)} if paths else {}),
    }


def library_folders(env: Mapping[str, str]) -> tuple[str, ...]:
    """The store folders that the linker searches (``-L``), in its order."""
    store = env.get("NIX_STORE", STORE_DIR).rstrip("/") + "/"
    if not _is_nixpkgs_linux(env):
        return ()
    words = env.get("NIX_LDFLAGS", "").split()
    folders = [word[2:] or following for word, following in _pairs(words) if word.startswith("-L")]
    return tuple(dict.fromkeys(folder.rstrip("/") for folder in folders if folder.startswith(store)))


def linked_libraries(
    root: Path,
    files: Mapping[str, Iterable[str]],
    folders: Mapping[str, Sequence[str]],
    keys: Keys,
    store_dir: str = STORE_DIR,
) -> tuple[Linked, ...]:
    """What the linker would have written: for each ELF file, the folders of the libraries that it needs.

    ``files`` maps packages to their files (relative to ``root``), ``folders`` packages to what
    :func:`library_folders` returns for their build; ``keys`` names store paths. Sorted by file, then in the
    order of the search.
    """
    found: list[Linked] = []
    for name in sorted(files):
        for file in sorted(set(files[name])):
            needed = _needed(root / file)
            for folder in folders.get(name, ()) if needed else ():
                here = [library for library in needed if os.path.lexists(f"{folder}/{library}")]
                if here:
                    path = StorePath.parse(folder, store_dir=store_dir)
                    inside = posixpath.relpath(folder, f"{store_dir}/{path.base}")
                    found.append(Linked(file, keys.key(path.hash, path.name), inside))
                # The linker takes a library from the first folder that has it.
                needed = [library for library in needed if library not in here]
    return tuple(found)


def _needed(file: Path) -> list[str]:
    """The libraries that an ELF file needs; empty for other files and for invalid ELF files."""
    if file.is_symlink() or not file.is_file():
        return []
    with file.open("rb") as opened:
        if opened.read(4) != MAGIC:
            return []
        try:
            facts = read_elf(opened.fileno()).facts
        except CorruptElf:
            return []
    return [os.fsdecode(name) for name in facts.needed if name and b"/" not in name]


def _is_nixpkgs_linux(env: Mapping[str, str]) -> bool:
    """Whether the compiler is nixpkgs' wrapper for ELF: Mach-O has absolute names instead of search paths."""
    return "NIX_CC" in env and sys.platform == "linux"


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each word with the next one; the argument of a separate ``-L`` is not yielded on its own."""
    skip = False
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if not skip:
            yield word, following
        skip = not skip and word == "-L"


def _without_rpath_words(words: Sequence[str]) -> list[str]:
    """``words`` without ``-rpath FOLDER``: stdenv passes the derivation's own output in this way."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("-rpath", "--rpath"):
            skip = True
        elif not word.startswith(("-rpath=", "--rpath=")):
            kept.append(word)
    return kept
