"""Libraries that Python code of a source tree opens by name: ``CDLL`` of a file name, ``gi.repository``.

The calls that name a library by a plain string are recognised; nothing is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from uvlock2nix.inspect.interpreters import files_of_tree
from uvlock2nix.knowledge.libraries import library_attribute, toolchain_names, typelib_attributes
from uvlock2nix.knowledge.names import sonames
from uvlock2nix.reading import open_regular
from uvlock2nix.regex import regex

_MOST_BYTES: Final = 1 << 20
# A file without any of these words is not read further.
_WORDS: Final = (b"find_library", b"CDLL", b"LoadLibrary", b"dlopen", b"gi.repository", b"require_version")
# https://docs.python.org/3/library/ctypes.html#loading-shared-libraries
_FOUND: Final = regex(r"""\bfind_library\(\s*["']([\w.+-]{1,80})["']""")
# https://cffi.readthedocs.io/en/stable/cdef.html#ffi-dlopen-loading-libraries-in-abi-mode
_LOADED: Final = regex(r"""\b(?:CDLL|LoadLibrary|dlopen)\(\s*["'](?:[^"'/\s]*/)*(lib[\w.+-]{1,80})["']""")
_SHARED: Final = regex(r"lib([\w.+-]+?)\.so(?:\.[\w.]+)?\Z")
# Without a version it may be the project's own; the driver has what is NVIDIA's.
_VERSIONED: Final = regex(r"(?!libcu|libnv)lib[\w.+-]+\.so\.\d[\d.]*\Z")
# https://pygobject.gnome.org/guide/api/basics.html
_REQUIRED: Final = regex(r"""\brequire_version\(\s*["'](\w{1,80})["']\s*,\s*["']([\w.]{1,20})["']""")
_IMPORTED: Final = regex(r"\bfrom\s+gi\.repository\s+import\s+(\([^)]{0,2000}\)|[^\n;]*)")
# The driver's libraries, and what every program has.
_LEFT_OUT: Final = ("cudaPackages", "linuxPackages", "glibc", "stdenv")


class Opened(NamedTuple):
    """``attributes`` are those of nixpkgs, with the name that the code uses.

    ``unknown`` is what no table has: files with a version (``libodd.so.3``) and ``typelib Odd-1.0``.
    """

    attributes: Mapping[str, str]
    unknown: tuple[str, ...] = ()


def opened_in_tree(tree: Path, *, typelibs: bool, without: Collection[Path] = ()) -> Opened:
    """What the Python files of a source tree open; ``typelibs``: whether PyGObject is there to load some.

    Tests, documentation and examples do not count, nor do the folders ``without``, other packages.
    """
    names: dict[str, str] = {}
    required: dict[str, None] = {}
    imported: dict[str, None] = {}
    for text in _texts(tree, without):
        for name in _FOUND.findall(text):
            names.setdefault(name, library_attribute("linker", name) or "")
        for name in _LOADED.findall(text):
            names.setdefault(name, _of_file(name))
        required |= dict.fromkeys(f"{name}-{version}" for name, version in _REQUIRED.findall(text))
        imported |= dict.fromkeys(name for listed in _IMPORTED.findall(text) for name in _imported(listed))
    found = {attr: name for name, attr in names.items() if attr and not attr.startswith(_LEFT_OUT)}
    unknown = [name for name, attr in names.items() if not attr and _VERSIONED.match(name)]
    if typelibs:
        more, rest = typelib_attributes(tuple(required), tuple(imported))
        found = {**more, **found}
        unknown += [f"typelib {name}" for name in rest]
    return Opened(found, tuple(unknown))


def _texts(tree: Path, without: Collection[Path]) -> Iterator[str]:
    for path in files_of_tree(tree):
        if path.suffix != ".py" or any(path.is_relative_to(folder) for folder in without):
            continue
        try:
            with open_regular(path) as file:
                data = file.read(_MOST_BYTES)
        except OSError:
            continue  # it cannot be installed either
        if any(word in data for word in _WORDS):
            yield _code(data.decode(errors="replace"))


def _code(text: str) -> str:
    """Python text with blanks for comments and strings that are statements, such as docstrings.

    Text that Python does not tokenise is returned as it is: it may be that of a newer Python.
    """
    import io
    import tokenize

    lines = io.StringIO(text).readlines()
    before = tokenize.NEWLINE
    try:
        for token in tokenize.generate_tokens(iter([*lines, ""]).__next__):
            begins = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
            if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and begins):
                _blank(lines, token.start, token.end)
            if token.type not in (tokenize.COMMENT, tokenize.NL):
                before = token.type
    except (tokenize.TokenError, SyntaxError):
        return text
    return "".join(lines)


def _blank(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Replace what is between two (line, column) places by blanks; the first line is 1, line ends stay."""
    for number in range(start[0], end[0] + 1):
        line = lines[number - 1]
        first = start[1] if number == start[0] else 0
        last = end[1] if number == end[0] else len(line) - 1
        lines[number - 1] = line[:first] + " " * (last - first) + line[last:]


def _of_file(name: str) -> str:
    """The attribute of a file name such as ``libusb-1.0.so.0``."""
    if (match := _SHARED.match(name)) is None:
        return ""
    if match[1] in toolchain_names():
        return "glibc"
    return sonames().get(name) or library_attribute("linker", match[1]) or ""


def _imported(listed: str) -> list[str]:
    """The names in an import statement, without their ``as``; comments are left out."""
    lines = (line.partition("#")[0] for line in listed.strip("()").splitlines())
    names = (part.split() for part in " ".join(lines).split(","))
    return [words[0] for words in names if words and words[0].isidentifier()]
