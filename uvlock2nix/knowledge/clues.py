"""Clues in build files: which libraries and programs their text names. Pure functions on text.

Build scripts are programs, and programs of strangers are not run; nor are they parsed as Python, because
many are not valid in this Python and because a parser can be made to crash. What is looked for are the few
idioms by which build files name libraries.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, Literal, TypeAlias

from uvlock2nix.knowledge.native import is_attribute
from uvlock2nix.knowledge.tables import load_table

Kind: TypeAlias = Literal["pkg-config", "linker", "cmake", "programs", "headers"]

_MAX_LINE: Final = 2000
# Each match is followed for at most 4000 characters: the product bounds the work on a hostile file.
_MAX_MATCHES: Final = 500


@dataclass(frozen=True, slots=True)
class Clue:
    """``name`` in the namespace ``kind`` was found in ``file`` at ``line`` (1-based).

    ``attr`` is the nixpkgs attribute, ``None`` where our table does not know the name. ``optional`` is true
    where the build file itself says that it can do without.
    """

    kind: Kind
    name: str
    attr: str | None
    file: str
    line: int
    optional: bool = False

    def describe(self) -> str:
        what = {
            "pkg-config": "pkg-config module",
            "linker": "library -l",
            "cmake": "CMake package",
            "programs": "program",
            "headers": "header",
        }
        separator = "" if self.kind == "linker" else " "
        return f"{what[self.kind]}{separator}{self.name} ({self.file}:{self.line})"


@lru_cache(maxsize=1)
def library_names() -> Mapping[str, Mapping[str, str]]:
    """Namespace → name → nixpkgs attribute."""
    raw = load_table("libraries.json")
    return {
        kind: {n: a for n, a in table.items() if isinstance(a, str) and is_attribute(a)}
        for kind, table in raw.items()
        if isinstance(table, dict) and kind != "generic"
    }


@lru_cache(maxsize=1)
def toolchain_names() -> frozenset[str]:
    """Linker names that libc, the compiler or another operating system provides."""
    raw = load_table("libraries.json").get("provided-by-toolchain")
    return frozenset(raw if isinstance(raw, list) else ())


def attribute(kind: Kind, name: str) -> str | None:
    """The nixpkgs attribute for a library's name in one of the namespaces."""
    table = library_names().get(kind, {})
    if kind == "pkg-config" and name not in table:
        name = re.split(r"[ <>=]", name, maxsplit=1)[0]
    return table.get(name)


def clues(file: str, text: str) -> Iterator[Clue]:
    """All clues in one build file, chosen by its name."""
    base = file.rpartition("/")[2]
    text = "\n".join(line[:_MAX_LINE] for line in text.split("\n"))
    if base == "meson.build":
        yield from _meson(file, text)
    elif base == "CMakeLists.txt" or base.endswith(".cmake"):
        yield from _cmake(file, text)
    elif base.endswith(".py"):
        yield from _python(file, text)
    elif base in ("setup.cfg", "pyproject.toml"):
        yield from _config(file, text)
    elif base == "Cargo.toml":
        yield from _cargo(file, text)
    elif base.endswith((".c", ".cc", ".cpp", ".cxx", ".h", ".pyx", ".pxd", ".i", ".hpp")):
        yield from _includes(file, text)


# --- Python build scripts -----------------------------------------------------------------------------

_STRING: Final = re.compile(r"""[bru]{0,2}("([^"\\\n]{1,200})"|'([^'\\\n]{1,200})')""")
_LIBRARIES: Final = re.compile(
    r"""(?:\b\w*libraries|\blibs|\b\w*_libs)\b["']?\]?\s*"""
    r"""(?:\+?=|:|\.append\(|\.extend\(|,\s*(?=\[))\s*(?=["'\[(])"""
)
_PKGCONFIG_CALL: Final = re.compile(
    r"\b(?:pkg_?config|pkgconfig\.\w+|\w*pkg_?config\w*|pkg_config_\w+)\s*\(", re.IGNORECASE
)
_PKGCONFIG_COMMAND: Final = re.compile(r"\bpkg-config\s+(?:--[\w=-]+\s+)*([A-Za-z0-9][\w.+-]{1,50})")
_LINK_FLAG: Final = re.compile(r"(?:^|\s)-l([A-Za-z0-9_+.-]{1,40})")
_NAME: Final = re.compile(r"[A-Za-z0-9_+.-]{1,50}\Z")
_FILES: Final = (".a", ".so", ".lib", ".py", ".dll", ".dylib")
_INCLUDE_DIR: Final = re.compile(r"/usr/(?:local/)?include/(linux/[\w-]+\.h)")


def _python(file: str, text: str) -> Iterator[Clue]:
    text = _without_comments(text)
    lines = _Lines(text)
    for match in islice(_LIBRARIES.finditer(text), _MAX_MATCHES):
        for position, name in _strings(text, match.end()):
            if _NAME.match(name) and name[0].isalnum() and not name.endswith(_FILES):
                yield _clue("linker", name, file, lines.at(position))
    for match in islice(_PKGCONFIG_CALL.finditer(text), _MAX_MATCHES):
        for position, value in _strings(text, match.end() - 1):
            for name in value.split():
                if attribute("pkg-config", name):
                    yield _clue("pkg-config", name, file, lines.at(position))
    pkg_config_used = "pkg-config" in text or "pkgconf" in text.lower()
    for match in _STRING.finditer(text):
        yield from _string_clues(file, lines.at(match.start()), match[2] or match[3], pkg_config_used)


def _string_clues(file: str, line: int, value: str, pkg_config_used: bool) -> Iterator[Clue]:
    """What a string literal of a build script names by itself, wherever it stands."""
    for word in value.split()[:20]:
        program = word.rpartition("/")[2]
        if attribute("programs", program):
            yield _clue("programs", program, file, line)
    for flag in _LINK_FLAG.finditer(value):
        yield _clue("linker", flag[1], file, line)
    for named in _PKGCONFIG_COMMAND.finditer(value):
        if attribute("pkg-config", named[1]):
            yield _clue("pkg-config", named[1], file, line)
    if pkg_config_used and _looks_like_module(value):
        for name in value.split():
            if _distinct_module(name):
                yield _clue("pkg-config", name, file, line)
    for header in _INCLUDE_DIR.finditer(value):
        if attribute("headers", header[1]):
            yield _clue("headers", header[1], file, line)


def _looks_like_module(value: str) -> bool:
    return len(value) < 100 and ("pkg-config" in value or " " not in value)


def _distinct_module(name: str) -> bool:
    """A module name that can hardly be another word: ``libxml-2.0`` and not ``zlib`` or ``python``."""
    table = library_names().get("pkg-config", {})
    return name in table and (any(c.isdigit() for c in name) or name.startswith("lib") or "-" in name)


def _strings(text: str, start: int) -> Iterator[tuple[int, str]]:
    """The string literals from ``start`` to the end of the bracket that opens there (or of one string)."""
    depth = 0
    position = start
    end = min(len(text), start + 4000)
    while position < end:
        char = text[position]
        if char in "\"'" or (char in "bru" and depth and _STRING.match(text, position)):
            match = _STRING.match(text, position)
            if match is None:
                position += 1
                continue
            # `libraries["x"] = …`: a key, not a value; `"name": …` likewise.
            if not re.match(r"\s*:", text[match.end() : match.end() + 4]):
                yield position, match[2] or match[3]
            position = match.end()
            if depth == 0:
                return
            continue
        if char in "[({":
            depth += 1
        elif char in "])}":
            depth -= 1
            if depth <= 0:
                return
        elif depth == 0 and char == "\n":
            return
        position += 1


def _without_comments(text: str) -> str:
    """Blank out comment lines; a ``#`` later in a line may stand in a string and is left alone."""
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.split("\n"))


# --- other build systems ------------------------------------------------------------------------------

_MESON_DEP: Final = re.compile(r"\bdependency\(\s*'([^'\n]{1,80})'([^\n]*)")
_MESON_LIB: Final = re.compile(r"\.find_library\(\s*'([^'\n]{1,80})'([^\n]*)")
_MESON_PROGRAM: Final = re.compile(r"\bfind_program\(\s*'([^'\n]{1,80})'([^\n]*)")
_MESON_OWN: Final = frozenset({"threads", "openmp", "python", "python3", "numpy", "pybind11", "dl", "m"})
_MESON_OPTIONAL: Final = re.compile(r"required\s*:\s*(?!true)")


def _meson(file: str, text: str) -> Iterator[Clue]:
    text = _without_comments(text)
    lines = _Lines(text)
    patterns: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("pkg-config", _MESON_DEP),
        ("linker", _MESON_LIB),
        ("programs", _MESON_PROGRAM),
    )
    for kind, pattern in patterns:
        for match in pattern.finditer(text):
            name = match[1]
            found = attribute(kind, name)
            if name in _MESON_OWN or (kind == "programs" and found is None):
                continue
            optional = bool(_MESON_OPTIONAL.search(match[2]))
            namespace: Kind = "cmake" if found is None and attribute("cmake", name) else kind
            yield _clue(namespace, name, file, lines.at(match.start()), optional=optional)


_FIND_PACKAGE: Final = re.compile(
    r"\bfind_package\s*\(\s*([A-Za-z0-9_+-]{1,60})([^)]{0,300})\)", re.IGNORECASE
)
_PKG_CHECK: Final = re.compile(
    r"\bpkg_(?:check_modules|search_module)\s*\(\s*\w{1,60}([^)]{0,300})\)", re.IGNORECASE
)
_FIND_LIBRARY: Final = re.compile(r"\bfind_library\s*\(\s*\w{1,60}([^)]{0,300})\)", re.IGNORECASE)
_LINK_TARGET: Final = re.compile(
    r"\btarget_link_libraries\s*\(\s*\w[\w-]{0,60}([^)]{0,400})\)", re.IGNORECASE
)
_OWN_TARGET: Final = re.compile(r"\badd_library\s*\(\s*(\w[\w-]{0,60})", re.IGNORECASE)
_CMAKE_OWN: Final = frozenset(
    {"python", "python3", "pythoninterp", "pythonlibs", "pythonextensions", "cython", "numpy", "pybind11",
     "threads", "openmp", "nanobind", "git", "doxygen", "pkgconfig", "scikit_build", "skbuild", "cudatoolkit",
     "cuda", "f2py", "sphinx", "gtest", "catch2", "benchmark", "perl", "patch", "torch", "cmake"}
)  # fmt: skip


def _cmake(file: str, text: str) -> Iterator[Clue]:
    text = _without_comments(text)
    lines = _Lines(text)
    for match in _FIND_PACKAGE.finditer(text):
        if match[1].lower() in _CMAKE_OWN:
            continue
        yield _clue("cmake", match[1], file, lines.at(match.start()), optional="REQUIRED" not in match[2])
    for match in _PKG_CHECK.finditer(text):
        optional = "REQUIRED" not in match[1]
        for word in match[1].split():
            name = re.split(r"[<>=]", word, maxsplit=1)[0].strip("\"'")
            if attribute("pkg-config", name):
                yield _clue("pkg-config", name, file, lines.at(match.start()), optional=optional)
    own = set(_OWN_TARGET.findall(text))
    for match in _LINK_TARGET.finditer(text):
        for word in match[1].split():
            if word not in own and word.islower() and attribute("linker", word):
                yield _clue("linker", word, file, lines.at(match.start()))
    for match in _FIND_LIBRARY.finditer(text):
        for word in match[1].split():
            name = word.strip("\"'").removeprefix("lib")
            if word.isupper():
                continue
            if attribute("linker", name):
                yield _clue("linker", name, file, lines.at(match.start()), optional=True)
                break


_CFG_LIBRARIES: Final = re.compile(r"^[ \t]*libraries[ \t]*=[ \t]*(.{1,300})$", re.MULTILINE)
_TOML_LIBRARIES: Final = re.compile(r"\blibraries\s*=\s*\[([^\]]{0,500})\]")
_LIBRARY_WORD: Final = re.compile(r"[A-Za-z0-9_+.-]{1,50}")


def _config(file: str, text: str) -> Iterator[Clue]:
    text = _without_comments(text)
    lines = _Lines(text)
    pattern = _CFG_LIBRARIES if file.endswith(".cfg") else _TOML_LIBRARIES
    for match in pattern.finditer(text):
        for name in _LIBRARY_WORD.findall(match[1]):
            yield _clue("linker", name, file, lines.at(match.start()))


# Crates that link a system library; those that carry a copy of it by default are left out.
_CRATES: Final[Mapping[str, str]] = {
    "openssl": "openssl",
    "openssl-sys": "openssl",
    "native-tls": "openssl",
    "libdbus-sys": "dbus-1",
    "dbus": "dbus-1",
    "alsa": "alsa",
    "alsa-sys": "alsa",
    "libudev": "libudev",
    "libudev-sys": "libudev",
    "nettle": "nettle",
    "nettle-sys": "nettle",
    "pcsc": "libpcsclite",
    "pcsc-sys": "libpcsclite",
    "gdal": "gdal",
    "gdal-sys": "gdal",
    "proj-sys": "proj",
    "libgssapi-sys": "krb5",
    "systemd": "libsystemd",
    "libsystemd-sys": "libsystemd",
}
_CRATE: Final = re.compile(r"^[ \t]*([a-z0-9_-]{2,40})[ \t]*=[ \t]*([^\n]{1,300})$", re.MULTILINE)
_CRATE_TABLE: Final = re.compile(
    r"^[ \t]*\[[^\]\n]*dependencies\.([a-z0-9_-]{2,40})\]([^\[]{0,400})", re.MULTILINE
)


def _cargo(file: str, text: str) -> Iterator[Clue]:
    text = _without_comments(text)
    lines = _Lines(text)
    for pattern in (_CRATE, _CRATE_TABLE):
        for match in pattern.finditer(text):
            module = _CRATES.get(match[1])
            if module is None or "vendored" in match[2]:
                continue
            optional = re.search(r"optional\s*=\s*true", match[2]) is not None
            yield _clue("pkg-config", module, file, lines.at(match.start()), optional=optional)


_INCLUDE: Final = re.compile(r"""^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]{1,100})[>"]""", re.MULTILINE)
_CDEF_EXTERN: Final = re.compile(r"""^[ \t]*cdef extern from ["']<?([^"'>\n]{1,100})>?["']""", re.MULTILINE)


def _includes(file: str, text: str) -> Iterator[Clue]:
    lines = _Lines(text)
    for pattern in (_INCLUDE, _CDEF_EXTERN):
        for match in pattern.finditer(text):
            if attribute("headers", match[1]) is not None:
                yield _clue("headers", match[1], file, lines.at(match.start()))


# --- helpers ------------------------------------------------------------------------------------------


def _clue(kind: Kind, name: str, file: str, line: int, *, optional: bool = False) -> Clue:
    return Clue(kind, name, attribute(kind, name), file, line, optional)


class _Lines:
    """Positions in a text as line numbers."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, position: int) -> int:
        return bisect_right(self._starts, position)
