"""The sources of uv's settings and Python version: uv.toml, ``[tool.uv]``, ``.python-version``.

https://docs.astral.sh/uv/concepts/configuration-files/
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from uvlock2nix.errors import ProjectError
from uvlock2nix.lock.pyproject import MAX_BYTES, PyProject, read_pyproject
from uvlock2nix.lock.uv_settings import UvSettings, read_settings
from uvlock2nix.lock.wire import Problems, Table, load_toml, shorten
from uvlock2nix.reading import open_regular

_PYPROJECT_ONLY = frozenset(
    [
        "sources",
        "workspace",
        "managed",
        "package",
        "default-groups",
        "dependency-groups",
        "dev-dependencies",
        "override-dependencies",
        "exclude-dependencies",
        "constraint-dependencies",
        "build-constraint-dependencies",
        "environments",
        "required-environments",
        "conflicts",
        "build-backend",
    ]
)
"""Keys that uv reads only from pyproject.toml, whatever is in uv.toml."""


def find_settings(root: Path, pyproject: PyProject) -> tuple[UvSettings, list[PurePosixPath], list[str]]:
    """uv's settings, its files inside the project, and warnings.

    uv.toml next to pyproject.toml wins over ``[tool.uv]``, except for keys that only pyproject.toml may have.
    Without either, uv uses the nearest of both in a parent folder.
    """
    own = {key: value for key, value in pyproject.tool_uv.items() if key in _PYPROJECT_ONLY}
    path = root / "uv.toml"
    if path.is_file():
        ignored = sorted(pyproject.tool_uv.keys() - _PYPROJECT_ONLY)
        text = f"{path}: replaces [tool.uv] in pyproject.toml; ignored there: {', '.join(ignored[:9])}"
        unknown = unknown_settings(load_toml(path, limit=MAX_BYTES, error=ProjectError)[0], str(path))
        warnings = [*([text] if ignored else []), *unknown]
        return _merge(path, own), [PurePosixPath("uv.toml")], warnings
    if pyproject.tool_uv:
        unknown = unknown_settings(pyproject.tool_uv, f"{pyproject.path}: tool.uv")
        return settings_of(pyproject.tool_uv, str(pyproject.path)), [], unknown
    for folder in root.parents:
        path = folder / "uv.toml"
        if path.is_file():
            break
        path = folder / "pyproject.toml"
        if path.is_file() and read_pyproject(path).tool_uv:
            break
    else:
        return UvSettings(), [], []
    return (
        _merge(path, own),
        [],
        [f"{path}: its uv settings apply here, but it is outside the project"],
    )


def _merge(path: Path, own: Table) -> UvSettings:
    if path.name == "uv.toml":
        table: Table = load_toml(path, limit=MAX_BYTES, error=ProjectError)[0]
    else:
        table = read_pyproject(path).tool_uv
    shared = {key: value for key, value in table.items() if key not in _PYPROJECT_ONLY}
    return settings_of({**shared, **own}, str(path))


def unknown_settings(table: Table, name: str) -> list[str]:
    """A warning about keys that no known uv has: uv ignores a whole table that contains one."""
    from uvlock2nix.lock.uv_keys import SETTINGS

    unknown = sorted(table.keys() - SETTINGS.keys())
    listed = ", ".join(shorten(key, 40) for key in unknown[:9])
    return [f"{name}: ignored because they are no known settings of uv: {listed}"] if unknown else []


def settings_of(table: Table, name: str) -> UvSettings:
    """The settings of a table; ``name`` is used in messages. Raises ProjectError."""
    problems = Problems(name)
    settings = read_settings(table, problems)
    problems.raise_if_any(ProjectError, "see https://docs.astral.sh/uv/reference/settings/")
    return settings


def find_python_version(folder: Path, root: Path) -> tuple[str | None, list[PurePosixPath]]:
    """The first request of the nearest version file between ``folder`` and ``root``, and its path."""
    places = [folder, *folder.parents]
    for place in places[: places.index(root) + 1]:
        for name in (".python-version", ".python-versions"):
            path = place / name
            if path.is_file():
                return _first_request(path), [PurePosixPath(path.relative_to(root).as_posix())]
    return None, []


def _first_request(path: Path) -> str | None:
    try:
        with open_regular(path) as file:
            lines = file.read(4096).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ProjectError(f"{path}: cannot be read as text", hint="write a single version into it") from None
    stripped = (line.strip() for line in lines)
    return next((line for line in stripped if line and not line.startswith("#")), None)
