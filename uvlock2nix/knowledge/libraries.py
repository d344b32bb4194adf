"""Names of libraries in pkg-config, CMake, linker flags, headers and crates. ``data/libraries.json``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

from uvlock2nix.knowledge.names import sonames
from uvlock2nix.knowledge.tables import Rows, attribute_rows, attributes_rows, load_table, texts_of
from uvlock2nix.regex import regex

Namespace: TypeAlias = Literal[
    "pkg-config", "linker", "cmake", "interpreters", "programs", "headers", "crates"
]

NAMESPACES: Final[tuple[Namespace, ...]] = get_args(Namespace)

_FILE: Final = "libraries.json"


def library_names(namespace: Namespace) -> Mapping[str, str]:
    """Names of libraries in a namespace → nixpkgs attribute."""
    return attribute_rows(_FILE, namespace)


def companions() -> Mapping[str, tuple[str, ...]]:
    """Library → other libraries that its users need too, because its ``.pc`` file or headers name them."""
    return attributes_rows(_FILE, "companions")


def typelib_attributes(
    required: Sequence[str], imported: Sequence[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Attributes with the typelibs that code needs (→ the first typelib in it), and typelibs of no table.

    ``required`` are ``NAME-VERSION`` as in ``gi.require_version``, ``imported`` are names without a version:
    those of what is required, else the newest, as PyGObject takes them.
    """
    table = attributes_rows(_FILE, "typelibs")
    found: dict[str, str] = {}
    unknown = [name for name in required if name not in table]
    for name in (one for one in required if one in table):
        found |= {attr: name for attr in table[name] if attr not in found}
    named = {name.rpartition("-")[0] for name in required}
    for name in (one for one in imported if one not in named):
        versions = [one for one in table if one.rpartition("-")[0] == name]
        if not versions:
            unknown.append(name)
        elif not any(found.keys() >= set(table[one]) for one in versions):
            newest = max(versions, key=lambda one: [int(part) for part in one.rpartition("-")[2].split(".")])
            found |= {attr: newest for attr in table[newest] if attr not in found}
    return found, tuple(dict.fromkeys(unknown))


def generic_names() -> Mapping[str, tuple[str, ...]]:
    """Names of PEP 725's ``generic`` type → nixpkgs attributes."""
    return attributes_rows(_FILE, "generic")


def toolchain_names() -> frozenset[str]:
    """Linker names that libc, the compiler or another operating system provides."""
    return _names("provided-by-toolchain")


def tls_crates() -> frozenset[str]:
    """Crates that use the system's TLS library by default."""
    return _names("crates-own-tls")


def vendoring_features() -> frozenset[str]:
    """Features by which a crate builds its own copy of a library."""
    return _names("crates-vendored")


@lru_cache(maxsize=2)
def provided_by_build(system: Literal["cmake", "meson"]) -> frozenset[str]:
    """Dependencies that a build system provides itself or finds in Python, in lower case."""
    rows = Rows(_FILE, load_table(_FILE).get("provided-by-build"), texts_of)
    return frozenset(rows[system])


@lru_cache(maxsize=8)
def _names(key: str) -> frozenset[str]:
    return frozenset(texts_of(f"knowledge/data/{_FILE}: {key}", load_table(_FILE).get(key)))


def library_attribute(namespace: Namespace, name: str) -> str | None:
    """The nixpkgs attribute for a library's name in one of the namespaces."""
    table = library_names(namespace)
    if namespace == "pkg-config" and name not in table:
        name = re.split(r"[ <>=]", name, maxsplit=1)[0]
    if namespace == "linker" and name not in table and name not in toolchain_names():
        return _shared_objects().get(name)
    return table.get(name)


@lru_cache(maxsize=1)
def _shared_objects() -> Mapping[str, str]:
    """Linker names from the table of sonames, without those of compilers, Pythons and GPU drivers."""
    found: dict[str, str] = {}
    for soname, attr in sonames().items():
        stem = re.match(r"lib([\w+.-]+?)\.so", soname)
        if stem is not None and not _NOT_LIBRARIES.match(attr):
            found[stem[1]] = attr
    return found


_NOT_LIBRARIES: Final = regex(r"python|glibc|musl|stdenv|llvmPackages|cudaPackages|R\Z|jdk")
