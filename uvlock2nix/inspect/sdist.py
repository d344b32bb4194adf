"""Inspection: what the build files of an sdist tell about its build. A proposal with evidence, not a fact.

No code of the sdist is run. What is not found stays unknown, and is reported as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import tomli
from packaging.requirements import InvalidRequirement, Requirement

from uvlock2nix.inspect.archive import Archive, read_archive, read_tree
from uvlock2nix.inspect.build_files import SKIPPED, bundled, libraries, wanted
from uvlock2nix.inspect.clues.text import Clue
from uvlock2nix.inspect.pep725 import parse_external
from uvlock2nix.knowledge.libraries import companions, toolchain_names
from uvlock2nix.knowledge.native import BuildInputs, NativeInputs, NativeKind, Origin
from uvlock2nix.knowledge.rules import allocators, alternatives, implied, programs_only
from uvlock2nix.names import canonicalize_name
from uvlock2nix.regex import regex

Nature: TypeAlias = Literal["pure", "native", "unknown"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an sdist tells about its build.

    ``inputs`` is the proposal (``provenance="inspected"``), ``external`` the content of ``[external]``.
    ``requires`` is ``build-system.requires`` as written. ``languages`` are those that it compiles.
    ``evidence`` has a line per library and tool: what was found, and where. ``unknown`` are names of
    libraries without a known attribute.
    """

    nature: Nature
    backend: str
    requires: tuple[str, ...]
    languages: tuple[str, ...]
    inputs: NativeInputs
    external: NativeInputs | None = None
    evidence: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()


_SOURCES: Final[Mapping[str, str]] = {
    ".pyx": "Cython", ".c": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".rs": "Rust", ".f": "Fortran",
    ".f90": "Fortran", ".i": "SWIG",
}  # fmt: skip
_PURE_BACKENDS: Final = (
    "flit",
    "poetry",
    "hatchling",
    "pdm",
    "uv_build",
    "whey",
    "trampolim",
    "jupyter_packaging",
)


def inspect_sdist(path: Path, filename: str = "") -> Inspection:
    """Inspect an sdist on disk (``filename`` is its name if ``path`` has a different one).

    Raises:
        InputError: it cannot be read (see ``archive``).
    """
    return inspect_archive(read_archive(path, wanted), filename or path.name)


def inspect_tree(path: Path, name: str) -> Inspection:
    """Inspect a source tree on disk. Raises InputError if it cannot be read."""
    return inspect_archive(read_tree(path, wanted), name)


def inspect_archive(archive: Archive, where: str) -> Inspection:
    """Analyse the files of an sdist; ``where`` names it in the sources."""
    project, torn = _toml(archive.texts.get("pyproject.toml", ""))
    build = project.get("build-system")
    build = build if isinstance(build, dict) else {}
    backend = build.get("build-backend")
    backend = backend if isinstance(backend, str) else "setuptools"
    requires = tuple(r for r in build.get("requires", ()) if isinstance(r, str))[:200] if build else ()
    names = frozenset(filter(None, map(_requirement_name, requires)))
    languages = _languages(archive, backend, names, project)
    tool = project.get("tool")
    found = libraries(archive, backend, languages, tool if isinstance(tool, dict) else {})
    nature: Nature = "native" if languages else "pure" if _is_pure(archive, backend, project) else "unknown"
    tools, tool_evidence = _tools(archive, backend, names, languages, found)
    chosen, left_out = _choose(found, bundled(archive))
    attrs = _attributes(chosen)
    doubtful = tuple(attr for attr in _attributes(left_out) if attr not in attrs)
    unknown = dict.fromkeys(
        clue.name
        for clue in found
        if clue.attr is None and clue.kind in ("linker", "pkg-config") and clue.name not in toolchain_names()
    )
    external = project.get("external")
    declared = parse_external(external, f"{where}/pyproject.toml") if isinstance(external, dict) else None
    kind = _kind(languages, bool(attrs)) if nature == "native" else nature
    evidence = (*_evidence(chosen), *tool_evidence, *_evidence(left_out, "left out: "))
    return Inspection(
        nature=nature,
        backend=backend,
        requires=requires,
        languages=languages,
        inputs=NativeInputs(
            build=BuildInputs(build_inputs=tuple(sorted(attrs)), native_build_inputs=tools),
            origin=Origin(
                doubtful=doubtful,
                sources=(f"inspected {where}",),
                provenance="inspected",
                notes=f"names without a known attribute: {', '.join(unknown)}" if unknown else "",
                evidence=evidence,
            ),
            kind=kind,
        ),
        external=declared.inputs if declared is not None else None,
        evidence=evidence,
        unknown=tuple(unknown)[:20],
        oddities=(*archive.oddities, *torn),
    )


# This many libraries that no build file names must be plugins, which are never all built.
_PLUGINS: Final = 5


def _choose(found: Sequence[Clue], bundled: frozenset[str]) -> tuple[list[Clue], list[Clue]]:
    """Split clues into those that are proposed and those that are only shown.

    Libraries that a build file names are proposed, even optional ones; but not if the sdist bundles the
    library (``bundled``), nor if the sources use it only on request. A library that the build can fetch
    itself is proposed if the build looks for the system's first. A header without a build file that names its
    library is weak evidence.
    """
    fetched = {clue.attr for clue in found if clue.fetched}
    known = [clue for clue in found if clue.attr is not None and not clue.fetched]
    named = [clue for clue in known if clue.kind != "headers"]
    needed = {clue.attr for clue in named if not clue.optional}
    included = {clue.attr for clue in known if clue.kind == "headers" and not clue.optional}
    guarded = {clue.attr for clue in known if clue.kind == "headers"} - included
    wanted = {clue.attr for clue in named if not clue.optional or not (needed and clue.attr in guarded)}
    for group in alternatives():
        several = [attr for attr in group if attr in {clue.attr for clue in named}]
        if len(several) > 1:
            wanted = (wanted - set(group)) | (needed & set(group) or set(several[:1]))
    plain = included - {clue.attr for clue in named}
    wanted |= plain if len(plain) <= _PLUGINS else set()
    wanted -= ((bundled | allocators()) - needed) | (fetched - {clue.attr for clue in named})
    return [clue for clue in known if clue.attr in wanted], [c for c in known if c.attr not in wanted]


def _attributes(found: Iterable[Clue]) -> dict[str, None]:
    attrs = dict.fromkeys(implied().get(clue.attr, clue.attr) for clue in found if clue.attr)
    for attr in tuple(attrs):
        attrs |= dict.fromkeys(companions().get(attr, ()))
    return {attr: None for attr in attrs if attr not in programs_only()}


def _toml(text: str) -> tuple[dict[str, object], tuple[str, ...]]:
    try:
        return tomli.loads(text), ()
    except (ValueError, RecursionError) as error:
        return {}, (f"pyproject.toml is not valid TOML: {str(error)[:100]}",)


def _requirement_name(text: str) -> str:
    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return ""


def _is_pure(archive: Archive, backend: str, project: Mapping[str, object]) -> bool:
    """Whether the build files show that there is no native code: a plain backend, no hooks."""
    tool = project.get("tool")
    tool = tool if isinstance(tool, dict) else {}
    if backend.startswith(_PURE_BACKENDS):
        poetry, hatch = tool.get("poetry"), str(tool.get("hatch", ""))
        return not (isinstance(poetry, dict) and "build" in poetry) and not _HATCH_HOOK.search(hatch)
    if not backend.startswith("setuptools"):
        return False
    return not any(
        name.endswith((".c", ".cpp", ".pyx", ".rs")) for name in archive.names if not SKIPPED.search(name)
    )


# Hooks that may compile; the harmless ones (version files, shared data, licences) have other names.
_HATCH_HOOK: Final = regex(r"'(?:custom|scikit-build|cython|cffi|cmake|mypyc|rust|gcc|autorun)'")
_NATIVE_BACKENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "maturin": ("Rust",),
    "mesonpy": ("C",),
    "scikit_build_core": ("C++",),
    "sipbuild": ("C++",),
    "py_build_cmake": ("C++",),
}
_EXTENSION: Final = regex(
    r"\bExtension\s*\(|\bext_modules\b|\bcffi_modules\b|\brust_extensions\b|\bRustExtension\b|\bcythonize\s*\(|"
    r"\bPybind11Extension\b|\bCMakeExtension\b|\bskbuild\b|\bCppExtension\b|\bCUDAExtension\b|"
    r"\bconfiguration\s*=\s*configuration\b|\bext-modules\b|\(build_ext\)|\bbuild_ext\.build_ext\)"
)


def _languages(
    archive: Archive, backend: str, requires: frozenset[str], project: Mapping[str, object]
) -> tuple[str, ...]:
    for prefix, languages in _NATIVE_BACKENDS.items():
        if backend.startswith(prefix):
            return _also(archive, languages)
    tool = project.get("tool")
    if "scikit-build-core" in requires:
        return _also(archive, ("C++",))
    text = "\n".join(
        text for name, text in archive.texts.items() if name.endswith(".py") and not SKIPPED.search(name)
    )
    if "setuptools-rust" in requires or "RustExtension" in text or "setuptools_rust" in text:
        return _also(archive, ("Rust",))
    makes = re.search(r"""["'](?:\./)?(?:make|cmake|waf)(?: |["'])""", text) is not None
    says = makes or _EXTENSION.search(text) or "ext-modules" in str(tool) or "setuptools-rust" in str(tool)
    if not says and not requires & {"cython", "cffi", "pybind11", "nanobind", "scikit-build"}:
        return ()
    found = _also(archive, ())
    cffi = "cffi" in requires or "cffi_modules" in text or "from cffi" in text or "import cffi" in text
    return found or (("C",) if says and (cffi or makes) else ())


def _also(archive: Archive, first: tuple[str, ...]) -> tuple[str, ...]:
    found = dict.fromkeys(first)
    for name in archive.names:
        suffix = "." + name.rpartition(".")[2].lower()
        language = _SOURCES.get(suffix)
        if language and language != "Rust" and not SKIPPED.search(name.rpartition("/")[0]):
            found[language] = None
    return tuple(found)


def _tools(
    archive: Archive,
    backend: str,
    requires: frozenset[str],
    languages: tuple[str, ...],
    found: Iterable[Clue],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The programs that the build runs, each with its reason."""
    if not languages:
        return (), ()
    tools: dict[str, str] = {}
    scripts = "\n".join(
        text for name, text in archive.texts.items() if name.endswith((".py", ".toml", ".cfg"))
    )
    if (
        "pkg-config" in scripts
        or "pkgconfig" in requires
        or any(c.kind == "pkg-config" or (c.kind == "crates" and not c.optional) for c in found)
    ):
        tools["pkg-config"] = "libraries are found by pkg-config"
    if backend.startswith("mesonpy") or requires & {"meson-python", "ninja", "scikit-build-core"}:
        tools["ninja"] = f"build backend {backend}"
    if backend.startswith("py_build_cmake") or requires & {"scikit-build", "scikit-build-core", "cmake"}:
        tools["cmake"] = f"build backend {backend}"
    if any(name.rpartition("/")[2] == "CMakeLists.txt" for name in archive.texts) and re.search(
        r"""["']cmake["']""", scripts
    ):
        tools.setdefault("cmake", "its build script runs cmake")
    if "Rust" in languages:
        tools["cargo"] = tools["rustc"] = "compiles Rust"
    if "Fortran" in languages and (backend.startswith("mesonpy") or "numpy" in requires):
        tools["gfortran"] = "compiles Fortran"
    if "swig" in scripts.lower() and ("SWIG" in languages or "swig" in requires):
        tools["swig"] = "wrappers are generated by SWIG"
    for clue in found:
        if clue.kind == "programs" and clue.attr is not None and not clue.optional:
            tools.setdefault(clue.attr, clue.describe())
    return tuple(tools), tuple(f"{tool}: {why}" for tool, why in tools.items())


def _kind(languages: tuple[str, ...], libraries: bool) -> NativeKind:
    if "Rust" in languages:
        return "rust"
    return "link" if libraries else "bundled"


def _evidence(found: Iterable[Clue], before: str = "") -> tuple[str, ...]:
    return tuple(
        f"{before}{clue.attr}: {clue.describe()}" + (", optional" if clue.optional else "")
        for clue in found
        if clue.attr is not None
    )[:60]
