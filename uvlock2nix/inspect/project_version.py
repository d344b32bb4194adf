"""The source of a source tree's version: written in a file, or taken from git during the build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tomli
from packaging.version import InvalidVersion, Version

from uvlock2nix.knowledge.backends import GIT_DESCRIBE, needs_tag, version_tools
from uvlock2nix.names import canonicalize_name
from uvlock2nix.reading import open_regular
from uvlock2nix.regex import regex

if TYPE_CHECKING:
    import ast

_MAX_BYTES: Final = 2 << 20
# hatchling's pattern: https://hatch.pypa.io/latest/plugins/version-source/regex/
_ASSIGNED: Final = regex(
    r"""^(?:__version__|VERSION)(?: ?: ?str)? *= *(['"])v?(?P<version>.+?)\1""", re.IGNORECASE | re.MULTILINE
)
# A build script that runs `git describe` itself.
_DESCRIBES: Final = regex(r"""\bgit['"]?\s*,?\s*['"]?describe\b""")
_MESON_RUNS: Final = regex(
    r"^\s*project\s*\([^#]*?\bversion\s*:\s*run_command\s*\((?P<words>[^)]*)\)", re.MULTILINE
)
_QUOTED: Final = regex(r"'([^']+)'")
_MOST_SCRIPTS: Final = 40
_MESON: Final = regex(r"""^\s*project\s*\([^)]*?\bversion\s*:\s*'(?P<version>[^']+)'""", re.MULTILINE)

Tables = Mapping[str, object]


def version_tool(tree: Path) -> str:
    """The tool that takes the version of a source tree from git; ``""`` if there is none."""
    project = _toml(tree / "pyproject.toml")
    if isinstance(_table(project, "project").get("version"), str):
        return ""
    known, requires = version_tools(), _requirements(tree, project)
    for name in requires:
        # pdm-backend can do this, but need not.
        if name in known and name != "pdm-backend":
            return name
    if _table(project, "tool", "versioneer") or "versioneer" in _setup_cfg(tree):
        return "versioneer"
    if any(_DESCRIBES.search(text) for text in _scripts(tree, project)):
        return GIT_DESCRIBE
    if _table(project, "tool", "pdm", "version").get("source") == "scm":
        return "pdm-backend"
    provider = _table(project, "tool", "scikit-build", "metadata", "version").get("provider")
    if provider == "scikit_build_core.metadata.setuptools_scm" or "setuptools_scm" in _table(project, "tool"):
        return "setuptools-scm"
    return ""


def _scripts(tree: Path, project: Tables) -> Iterator[str]:
    """The texts of what may run git for a version.

    These are setup.py, the modules beside it that it names, what hatchling runs, and what meson.build runs.
    """
    hatch = _table(project, "tool", "hatch", "version")
    if _table(project, "build-system").get("build-backend") == "mesonpy":
        text = _read(tree / "meson.build")
        runs = _MESON_RUNS.search(text)
        yield runs["words"] if runs else ""
        for word in _QUOTED.findall(runs["words"]) if runs else ():
            yield _read(_inside(tree, word))
        return
    if hatch.get("source") == "code" and isinstance(path := hatch.get("path"), str):
        yield _read(_inside(tree, path))
    setup = _read(tree / "setup.py")
    yield setup
    for path in sorted(tree.glob("*.py"))[:_MOST_SCRIPTS] if setup else ():
        if re.search(rf"\b{re.escape(path.stem)}\b", setup):
            yield _read(path)


def version_variables(tree: Path, name: str, version: str) -> dict[str, str]:
    """The variables that set this version for the tool of :func:`version_tool`."""
    tool = version_tool(tree)
    capitals = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    names = version_tools().get(tool, ())
    return {variable.replace("<NAME>", capitals): version for variable in names}


def release_tag(tree: Path, version: str) -> str:
    """The tag in which the tool of a source tree has to find this version; ``""`` where it needs none.

    versioningit writes the version into a file only where it has asked a repository:
    https://versioningit.readthedocs.io/en/stable/configuration.html
    """
    tool = version_tool(tree)
    if tool != "versioningit":
        return f"v{version}" if needs_tag(tool) else ""
    tables = _table(_toml(tree / "pyproject.toml"), "tool")
    settings = _table(tables, "versioningit") or _table(tables, "hatch", "version")
    how = _table(settings, "tag2version")
    if "write" not in settings or "regex" in how:
        return ""
    return f"{how.get('rmprefix', 'v')}{version}{how.get('rmsuffix', '')}"


def versioneer_file(tree: Path) -> Path | None:
    """The file in which versioneer keeps the version in an sdist, and looks for it first.

    https://github.com/python-versioneer/python-versioneer/blob/master/INSTALL.md
    """
    table = _table(_toml(tree / "pyproject.toml"), "tool", "versioneer")
    place = table.get("versionfile_source") or _setup_cfg(tree).get("versioneer", {}).get(
        "versionfile_source"
    )
    if not isinstance(place, str) or not (tree / place).parent.is_dir():
        return None
    return _inside(tree, place.strip())


def static_version(tree: Path) -> str | None:
    """The version in the files of a source tree; None if there is none or it is invalid.

    It is read as the backends do: from ``[project]``, ``[tool.poetry]``, and the files that hatchling,
    setuptools, flit, pdm, scikit-build-core, meson and cargo use.
    """
    for text in _candidates(tree, _toml(tree / "pyproject.toml")):
        try:
            Version(text.strip())
        except InvalidVersion:
            continue
        return text.strip()
    return None


def _candidates(tree: Path, project: Tables) -> Iterator[str]:
    tool = _table(project, "tool")
    for table in (_table(project, "project"), _table(tool, "poetry")):
        yield from _texts(table.get("version"))
    hatch, pdm = _table(tool, "hatch", "version"), _table(tool, "pdm", "version")
    skbuild = _table(tool, "scikit-build", "metadata", "version")
    for path in (hatch.get("path"), pdm.get("path"), skbuild.get("input")):
        yield from _assigned(tree, path, hatch.get("pattern"))
    yield from _setuptools(tree, _table(tool, "setuptools", "dynamic", "version"))
    yield from _setup_files(tree)
    backend = _table(project, "build-system").get("build-backend")
    if isinstance(backend, str) and backend.startswith("flit"):
        name = _table(tool, "flit", "module").get("name") or _table(project, "project").get("name")
        yield from _attribute(tree, f"{str(name).replace('-', '_')}.__version__")
    yield from _texts(_table(_toml(tree / "Cargo.toml"), "package").get("version"))
    if match := _MESON.search(_read(tree / "meson.build")):
        yield match["version"]


def _setuptools(tree: Path, table: Tables) -> Iterator[str]:
    """``tool.setuptools.dynamic``.

    https://setuptools.pypa.io/en/latest/userguide/pyproject_config.html
    """
    yield from _attribute(tree, table.get("attr"))
    files = table.get("file")
    for path in files if isinstance(files, list) else [files]:
        if isinstance(path, str):
            yield _read(_inside(tree, path))


def _setup_files(tree: Path) -> Iterator[str]:
    import ast

    given = _setup_cfg(tree).get("metadata", {}).get("version", "")
    kind, colon, rest = given.partition(":")
    if colon and kind.strip() == "attr":
        yield from _attribute(tree, rest.strip())
    elif colon and kind.strip() == "file":
        yield _read(_inside(tree, rest.strip()))
    elif given:
        yield given
    for node in ast.walk(_parsed(_read(tree / "setup.py"))):
        if isinstance(node, ast.keyword) and node.arg == "version" and isinstance(node.value, ast.Constant):
            yield from _texts(node.value.value)


def _attribute(tree: Path, reference: object) -> Iterator[str]:
    """``package.module.attribute`` if it is set to a literal."""
    import ast

    if not isinstance(reference, str):
        return
    module, _, attribute = reference.rpartition(".")
    place = module.replace(".", "/")
    for folder in ("", "src/", "lib/"):
        for name in (f"{folder}{place}.py", f"{folder}{place}/__init__.py"):
            for node in ast.walk(_parsed(_read(_inside(tree, name)))):
                targets = node.targets if isinstance(node, ast.Assign) else ()
                named = any(isinstance(one, ast.Name) and one.id == attribute for one in targets)
                if named and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                    yield from _texts(node.value.value)


def _assigned(tree: Path, path: object, pattern: object) -> Iterator[str]:
    if not isinstance(path, str):
        return
    expression = _ASSIGNED
    if isinstance(pattern, str):
        try:
            expression = re.compile(pattern, re.MULTILINE)
        except re.error:
            return
    match = expression.search(_read(_inside(tree, path)))
    if match and "version" in expression.groupindex:
        yield match["version"]


def _requirements(tree: Path, project: Tables) -> list[str]:
    """The names of the declared build requirements, those of setup.cfg too."""
    from packaging.requirements import InvalidRequirement, Requirement

    more = _setup_cfg(tree).get("options", {}).get("setup_requires", "").splitlines()
    declared = _table(project, "build-system").get("requires")
    found: list[str] = []
    for text in (*(declared if isinstance(declared, list) else ()), *more):
        try:
            found.append(canonicalize_name(Requirement(str(text)).name))
        except InvalidRequirement:
            continue
    return found


def _setup_cfg(tree: Path) -> Mapping[str, Mapping[str, str]]:
    """The sections of setup.cfg; empty if it is missing or cannot be read."""
    text = _read(tree / "setup.cfg")
    if not text:
        return {}
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _table(value: object, *keys: str) -> Tables:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value


def _toml(path: Path) -> Tables:
    try:
        return tomli.loads(_read(path))
    except (tomli.TOMLDecodeError, RecursionError):
        return {}


def _parsed(text: str) -> ast.Module:
    import ast

    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _inside(tree: Path, path: str) -> Path:
    """A path below the tree; a path that leads out of it becomes one that does not exist."""
    place = tree / path
    return place if place.resolve().is_relative_to(tree.resolve()) else tree / "outside the tree"


def _read(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
    except (OSError, ValueError):
        return ""
