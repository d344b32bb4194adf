"""Libraries that packages open by name, for packages without a compiled file that could have a search path.

``ctypes.util.find_library`` and a ``dlopen`` of a bare name ask the system: ldconfig's cache, a compiler,
``/usr/lib``. Nix builds and NixOS have none of these. An environment gets a map from names to store paths and
a start-up file (``.pth``) that makes ctypes use it. docs/libraries.md explains why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.regex import regex
from uvlock2nix.venv import lookup

HOOK: Final = "_uvlock2nix_lookup"
PATHS: Final = "_uvlock2nix_paths"
# Where GObject libraries have their descriptions: https://gi.readthedocs.io/en/latest/
_TYPELIBS: Final = "girepository-1.0"
_FILE: Final = regex(r"lib(?P<name>.+?)(?:\.so(?P<elf>(?:\.\d+)*)|(?P<mac>(?:\.\d+)*)\.dylib)\Z")


def write_lookup(site: Path, folders: Iterable[Path]) -> int:
    """Make ctypes in the environment of ``site`` find the libraries in ``folders``; return the number of
    names.

    Of libraries with the same name, the one in the earlier folder wins. GObject libraries are described in
    typelibs next to them, which PyGObject finds by the same file.
    """
    files: dict[str, str] = {}
    folders = tuple(dict.fromkeys(folders))
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if _FILE.match(path.name) and path.is_file():
                files.setdefault(path.name, str(path))
    if not files:
        return 0
    names = linker_names(files)
    typelibs = [str(place) for folder in folders if (place := folder / _TYPELIBS).is_dir()]
    values = {"FILES": files, "NAMES": names, "TYPELIBS": typelibs}
    text = "".join(f"{name} = {json.dumps(value, indent=1)}\n" for name, value in values.items())
    (site / f"{PATHS}.py").write_text(text, encoding="ascii")
    source = Path(lookup.__file__).read_text(encoding="utf-8")
    (site / f"{HOOK}.py").write_text(source, encoding="utf-8")
    (site / f"{HOOK}.pth").write_text(f"import {HOOK}; {HOOK}.install()\n", encoding="ascii")
    return len(names)


def linker_names(files: Mapping[str, str]) -> dict[str, str]:
    """``magic`` → the path of ``libmagic.so.1``: of several versions of a file, the one that programs link.

    That is the name with a single number, else the shortest.
    """
    found: dict[str, list[tuple[bool, int, str]]] = {}
    for file, path in files.items():
        match = _FILE.match(file)
        if match is not None:
            numbers = (match["elf"] or match["mac"] or "").count(".")
            found.setdefault(match["name"], []).append((numbers != 1, numbers, path))
    return {name: min(paths)[2] for name, paths in sorted(found.items())}
