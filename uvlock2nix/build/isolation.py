"""A build gets its own native inputs and not those of other packages.

In a derivation, all inputs are in the same variables. A package that happens to find a library of another
package would change when that one is removed; so the store paths of other packages' inputs are removed from
the variables that compilers and build tools read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

PATH_LISTS: Final = (
    "PATH",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_PATH_FOR_TARGET",
    "CMAKE_PREFIX_PATH",
    "NIXPKGS_CMAKE_PREFIX_PATH",
    "CMAKE_INCLUDE_PATH",
    "CMAKE_LIBRARY_PATH",
    "CMAKE_PROGRAM_PATH",
    "ACLOCAL_PATH",
    "LD_LIBRARY_PATH",
    "XDG_DATA_DIRS",
    "GI_TYPELIB_PATH",
)
WORD_LISTS: Final = ("NIX_CFLAGS_COMPILE", "NIX_LDFLAGS", "NIX_CFLAGS_LINK")
SEPARATE: Final = frozenset(["-isystem", "-I", "-L", "-rpath", "-idirafter", "-F", "-iframework"])
JOINED: Final = (
    "-I", "-L", "-F", "-B", "-isystem", "-rpath=", "-Wl,-rpath,", "-Wl,-rpath=", "-Wl,-rpath-link,"
)  # fmt: skip


def isolated(env: Mapping[str, str], own: Iterable[str], everyone: Iterable[str]) -> dict[str, str]:
    """``env`` without the inputs of other packages, with the programs of its own.

    ``own`` are this build's inputs, ``everyone`` those of all builds, both with what they propagate. Nothing
    else is removed: compiler, Python and shell stay. With ``strictDeps``, stdenv does not put the programs of
    libraries into PATH, but builds need ``curl-config`` and the like.
    """
    mine = closure(own)
    foreign = closure(everyone) - mine
    out = dict(env)
    there = out.get("PATH", "").split(":")
    programs = (f"{path}/bin" for path in sorted(mine))
    added = [folder for folder in programs if folder not in there and Path(folder).is_dir()]
    if added:
        out["PATH"] = ":".join((*filter(None, there), *added))
    if not foreign:
        return out
    for name in PATH_LISTS:
        if name in out:
            out[name] = ":".join(part for part in out[name].split(":") if not _of(part, foreign))
    for name in WORD_LISTS:
        if name in out:
            out[name] = " ".join(_kept_words(out[name].split(), foreign))
    return out


def closure(paths: Iterable[str]) -> frozenset[str]:
    """Store paths with everything that they propagate (``nix-support/propagated-build-inputs``)."""
    found: set[str] = set()
    todo = list(paths)
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo.extend(_propagated(path))
    return frozenset(found)


@cache
def _propagated(path: str) -> tuple[str, ...]:
    words: list[str] = []
    for name in ("propagated-build-inputs", "propagated-native-build-inputs"):
        try:
            words += (Path(path) / "nix-support" / name).read_text().split()
        except OSError:
            continue
    return tuple(words)


def _of(word: str, paths: frozenset[str]) -> bool:
    # A store path is the first component below the store directory.
    return any(word == path or word.startswith(path + "/") for path in paths)


def _kept_words(words: list[str], foreign: frozenset[str]) -> list[str]:
    """Drop ``-isystem DIR``, ``-L DIR``, ``-LDIR``, ``-rpath DIR`` of other packages' inputs."""
    kept: list[str] = []
    skip = False
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if skip:
            skip = False
        elif word in SEPARATE and _of(following, foreign):
            skip = True
        elif any(word.startswith(flag) and _of(word[len(flag) :], foreign) for flag in JOINED):
            continue
        else:
            kept.append(word)
    return kept
