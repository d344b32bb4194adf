"""``[tool.uv.sources]`` for build requirements of local packages: uv applies the table to them too.

https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import Requirement

from uvlock2nix.app.uv_resolve import Unresolvable
from uvlock2nix.lock import Member, Project
from uvlock2nix.names import canonicalize_name


def from_sources(text: str, member: Member, project: Project, environment: Mapping[str, str]) -> str:
    """The requirement ``text`` of a local package from its source, if that is a URL or a file; else
    unchanged.

    Raises:
        Unresolvable: its source cannot be locked: a folder, git, or an index by name.
    """
    requirement = Requirement(text)
    root = project.pyproject
    tables = [(member.pyproject.tool_uv, project.root / member.path)]
    tables += [(root.tool_uv, project.root)] if root is not None else []
    for table, folder in tables:
        entry = _entry(table, canonicalize_name(requirement.name), environment)
        if entry is None:
            continue
        place = _place(entry, folder)
        if place is None:
            kinds = "workspace", "path", "git", "index"
            kind = next((key for key in kinds if key in entry), "source")
            raise Unresolvable(
                f"its build requirement {requirement.name} has a source ({kind}) that is not a file; take it "
                "from an index, a URL, or a file below the project's folder"
            )
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        return f"{requirement.name}{extras} @ {place}"
    return text


def _entry(
    table: Mapping[str, object], name: str, environment: Mapping[str, str]
) -> Mapping[str, object] | None:
    """The entry of a name for the target: its table, or the first of a list whose marker holds."""
    sources = table.get("sources")
    if not isinstance(sources, dict):
        return None
    for key, value in sources.items():
        if canonicalize_name(str(key)) != name:
            continue
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict) and _holds(entry.get("marker"), environment):
                return entry
    return None


def _holds(marker: object, environment: Mapping[str, str]) -> bool:
    if not isinstance(marker, str):
        return True
    try:
        return Marker(marker).evaluate(dict(environment))
    except InvalidMarker:
        return False


def _place(entry: Mapping[str, object], folder: Path) -> str | None:
    """The URL of a source that is a single file; None for any other source."""
    url, path = entry.get("url"), entry.get("path")
    if isinstance(url, str) and "subdirectory" not in entry:
        return url
    if isinstance(path, str) and (folder / path).is_file():
        return (folder / path).resolve().as_uri()
    return None
