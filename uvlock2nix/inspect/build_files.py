"""The files of an sdist to read, and the libraries that they name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from uvlock2nix.inspect.archive import Archive
from uvlock2nix.inspect.branches import OTHER_SYSTEM, certain_text
from uvlock2nix.inspect.clues.cargo import cargo_clues, lock_clues
from uvlock2nix.inspect.clues.cmake import cmake_clues, given_values
from uvlock2nix.inspect.clues.headers import header_clues
from uvlock2nix.inspect.clues.meson import meson_clues
from uvlock2nix.inspect.clues.setup_py import python_clues
from uvlock2nix.inspect.clues.text import Clue, config_clues, make_clue, make_clues, shortened
from uvlock2nix.knowledge.libraries import library_names
from uvlock2nix.regex import regex

SKIPPED: Final = regex(
    r"(?:^|/)(?:tests?|testing|docs?|examples?|samples?|benchmarks?|third_?party|3rd_?party|vendor(?:ed)?[\w-]*|"
    r"extern(?:al)?|subprojects|deps|bundled|contrib|node_modules|packaging|ci|tools/ci|fuzz|demos?|vcpkg[\w-]*|tutorials?|site-packages)(?:/|\Z)",
    re.IGNORECASE,
)
_BUILD_NAMES: Final = regex(
    r"(?:^|/)(?:\w*setup\w*|\w*build\w*|\w*config\w*|\w*ffi\w*|versioninfo|pkgconfig\w*|\w*libs?)\.py\Z"
)
_HEADER_SUFFIXES: Final = (".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".pyx", ".pxd", ".i")


_TOP: Final = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml", "Cargo.lock", "meson.build", "CMakeLists.txt",
     "meson.options", "meson_options.txt", "wscript"}
)  # fmt: skip
_MAKE: Final = ("Makefile", "makefile", "GNUmakefile", "wscript")
_RUNS_MAKE: Final = regex(r"""["']make(?: |["'])|\bwaf\b""")


def wanted(name: str) -> bool:
    """Whether a file of an sdist is read: build files, except in tests and vendored trees."""
    base = name.rpartition("/")[2]
    depth = name.count("/")
    if depth == 0 and base in _TOP:
        return True
    if base == "meson.build" and depth == 1:
        return True
    if SKIPPED.search(name.rpartition("/")[0]) or depth > 4:
        return False
    if base in ("meson.build", "CMakeLists.txt", "Cargo.toml", "Cargo.lock", "setup.cfg") or base.endswith(
        ".cmake"
    ):
        return True
    if base in _MAKE:
        return depth <= 2
    if base.endswith(".py"):
        return depth <= 3 and bool(_BUILD_NAMES.search(name)) and not OTHER_SYSTEM.search(base)
    return base.endswith(_HEADER_SUFFIXES) and depth <= 3


def libraries(
    archive: Archive, backend: str, languages: tuple[str, ...], tool: Mapping[str, object]
) -> list[Clue]:
    """Clues of the build system that is actually used: a CMakeLists.txt next to a setup.py is a different
    build.

    There is one clue per name; if a name is found more than once, a clue that is not optional wins.
    """
    if not languages:
        return []
    found: dict[tuple[str, str], Clue] = {}
    for clue in _all_clues(archive, backend, languages, tool):
        key = (clue.kind, f"{clue.name} fetched" if clue.fetched else clue.name)
        before = found.get(key)
        if before is None or (before.optional and not clue.optional):
            found[key] = clue
    return list(found.values())


def _all_clues(
    archive: Archive, backend: str, languages: tuple[str, ...], tool: Mapping[str, object]
) -> Iterator[Clue]:
    texts = {name: shortened(text) for name, text in archive.texts.items()}
    uses_cmake = "C++" in languages[:1] or any(
        re.search(r"\bcmake\b", text, re.IGNORECASE) for name, text in texts.items() if name.endswith(".py")
    )
    vendored = _vendored(archive, uses_cmake)
    own_scripts = not backend.startswith(("mesonpy", "maturin", "scikit_build_core"))
    if backend.startswith("mesonpy"):
        yield from meson_clues(
            texts, _start(texts, tool, "meson-python", "meson.build"), texts.get("pyproject.toml", "")
        )
    if backend.startswith("sipbuild"):
        yield from _qt(texts.get("pyproject.toml", ""))
    if uses_cmake:
        start = _start(texts, tool, "scikit-build", "CMakeLists.txt")
        scripts = [certain_text(text) for name, text in texts.items() if name in ("setup.py", "project.py")]
        given = given_values(scripts, _table(tool, "scikit-build", "cmake"))
        yield from cmake_clues(texts, start, given, vendored)
    shipped = _shipped(archive)
    maturin = _table(tool, "maturin").get("features")
    macros = _macros(texts)
    makes = any(_RUNS_MAKE.search(text) for name, text in texts.items() if name.endswith(".py"))
    features = frozenset(str(item) for item in maturin) if isinstance(maturin, list) else frozenset()
    for name, text in sorted(texts.items(), key=lambda item: (item[0].count("/"), item[0])):
        base = name.rpartition("/")[2]
        if vendored and name.startswith(vendored):
            continue
        if base == "Cargo.toml" and "Rust" in languages:
            yield from cargo_clues(name, archive.texts[name], features)
        elif base == "Cargo.lock" and "Rust" in languages:
            yield from lock_clues(name, text)
        elif base in ("setup.cfg", "pyproject.toml"):
            yield from config_clues(name, text)
        elif (base.endswith(".py") and (own_scripts or base != "setup.py")) or (base == "wscript" and makes):
            yield from python_clues(name, text)
        elif base in _MAKE and makes:
            yield from make_clues(name, text)
        elif base.endswith(_HEADER_SUFFIXES):
            found = header_clues(name, text, macros)
            yield from (
                c for c in found if c.name not in shipped and c.name.rpartition("/")[2] not in shipped
            )


def _qt(pyproject: str) -> Iterator[Clue]:
    """For PyQt and its extensions, the base of Qt; other modules are bound if they are available."""
    version = re.search(r"\bPyQt([56])\b", pyproject)
    if version is not None and "PyQt-builder" in pyproject:
        line = pyproject.count("\n", 0, version.start()) + 1
        yield make_clue("cmake", f"Qt{version[1]}", "pyproject.toml", line)


_MACRO: Final = regex(r"""\(\s*["']([A-Z][A-Z0-9_]{3,60})["']\s*,|-D([A-Z][A-Z0-9_]{3,60})\b""")


def _macros(texts: Mapping[str, str]) -> frozenset[str]:
    """Macros that the build files always define."""
    found: set[str] = set()
    for name, text in texts.items():
        if name == "setup.cfg":
            listed = re.findall(r"^defines?\s*=\s*([^\n]{1,300})", text, re.MULTILINE)
            found |= {word for line in listed for word in re.findall(r"\w+", line)}
        elif name == "setup.py":
            found |= {one or other for one, other in _MACRO.findall(certain_text(text))}
    return frozenset(found)


def _shipped(archive: Archive) -> frozenset[str]:
    """The headers in the sdist, by their names and by the last parts of their paths."""
    found: set[str] = set()
    headers = library_names("headers")
    for name in archive.names:
        parts = name.split("/")
        if any(OTHER_SYSTEM.search(part) for part in parts[:-1]):
            continue
        if parts[-1].endswith((".h", ".hpp", ".hh")):
            found.add(parts[-1])
        found |= {tail for n in (2, 3) if (tail := "/".join(parts[-n:])) in headers}
    return frozenset(found)


def bundled(archive: Archive) -> frozenset[str]:
    """The libraries whose headers are in the sdist, so that it can be built without the system's."""
    headers = library_names("headers")
    return frozenset(headers[name] for name in _shipped(archive) if name in headers)


def _table(tool: Mapping[str, object], *path: str) -> Mapping[str, object]:
    table: object = tool
    for key in path:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def _start(texts: Mapping[str, str], tool: Mapping[str, object], section: str, base: str) -> str:
    """The first file of a CMake or Meson build: as in pyproject.toml, else the one nearest to the top."""
    said = _table(tool, section, "cmake").get("source-dir") if section == "scikit-build" else None
    if isinstance(said, str):
        return posixpath.normpath(posixpath.join(said, base))
    found = [name for name in texts if name.rpartition("/")[2] == base]
    return min(found, key=lambda name: (name.count("/"), name), default=base)


_MAX_VENDORED: Final = 1000
_FOREIGN_BUILD: Final = ("configure", "configure.ac", "configure.in", "Makefile.am", "autogen.sh")
_CMAKE_PROJECT: Final = regex(r"^\s*project\s*\(", re.IGNORECASE | re.MULTILINE)


def _vendored(archive: Archive, uses_cmake: bool) -> tuple[str, ...]:
    """Directories with the whole source of another project, whose build files do not count."""
    tool = archive.texts.get("pyproject.toml", "")
    meson = "meson.build" in archive.texts
    found: dict[str, None] = {}
    for name in archive.names:
        folder, _, base = name.rpartition("/")
        if not folder or folder.count("/") > 2 or (f"{folder}/meson.build" in archive.texts and meson):
            continue
        foreign = base in _FOREIGN_BUILD or (base == "meson.build" and "meson.build" not in archive.texts)
        if base == "CMakeLists.txt" and _CMAKE_PROJECT.search(archive.texts.get(name, "")):
            foreign = not uses_cmake or "CMakeLists.txt" in archive.texts
        if foreign and f'"{folder}"' not in tool and f'"./{folder}"' not in tool:
            found[folder + "/"] = None
    return tuple(found)[:_MAX_VENDORED]
