"""Who is asking: the variables in which uv, and so a builder, looks for the logins of a project's indexes.

https://docs.astral.sh/uv/concepts/authentication/http/
"""

from __future__ import annotations

import re
from typing import Final

from uvlock2nix.lock.model import GitSource, UrlSource
from uvlock2nix.lock.project import Project
from uvlock2nix.lock.uv_files import settings_of
from uvlock2nix.lock.uv_settings import Index

# uv's, git's and requests' file of logins.
NETRC: Final = "NETRC"


def indexes_of(project: Project) -> tuple[Index, ...]:
    """The indexes of the workspace's root, then those that only a member names."""
    found = dict.fromkeys(project.uv.indexes)
    for member in project.members:
        tables = member.pyproject.tool_uv.get("index")
        if tables:
            found |= dict.fromkeys(settings_of({"index": tables}, str(member.pyproject_path)).indexes)
    return tuple(found)


def variables_of(index: Index) -> tuple[str, str] | None:
    """The variables that hold user and password of an index; None where it has no name."""
    if index.name is None:
        return None
    name = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
    return f"UV_INDEX_{name}_USERNAME", f"UV_INDEX_{name}_PASSWORD"


def login_variables(project: Project) -> tuple[str, ...]:
    """The variables that deps has to see to reach what the lock names; none for the default index alone."""
    urls = (project.uv.index_url, *project.uv.extra_index_url, *project.uv.find_links)
    indexes = [index for index in indexes_of(project) if _is_remote(index.url)]
    others = any(isinstance(package.source, GitSource | UrlSource) for package in project.lock.packages)
    found = {name for index in indexes for name in variables_of(index) or ()}
    if indexes or others or any(url is not None and _is_remote(url) for url in urls):
        found.add(NETRC)
    return tuple(sorted(found))


def _is_remote(url: str) -> bool:
    return url.startswith(("https://", "http://"))
