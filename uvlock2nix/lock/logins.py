"""The variables in which uv, and so a builder, looks for the credentials of a project's indexes.

https://docs.astral.sh/uv/concepts/authentication/http/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Final
from urllib.parse import urlsplit

from uvlock2nix.lock.model import GitSource, Package, RegistrySource, UrlSource
from uvlock2nix.lock.project import Project
from uvlock2nix.lock.uv_files import settings_of
from uvlock2nix.lock.uv_settings import Index

# The credentials file of uv, git and requests.
NETRC: Final = "NETRC"


def indexes_of(project: Project) -> tuple[Index, ...]:
    """The indexes of the workspace's root, then those that only members name."""
    found = dict.fromkeys(project.uv.indexes)
    for member in project.members:
        tables = member.pyproject.tool_uv.get("index")
        if tables:
            found |= dict.fromkeys(settings_of({"index": tables}, str(member.pyproject_path)).indexes)
    return tuple(found)


def variables_of(index: Index) -> tuple[str, str] | None:
    """The variables for user and password of an index; None if it has no name."""
    if index.name is None:
        return None
    name = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
    return f"UV_INDEX_{name}_USERNAME", f"UV_INDEX_{name}_PASSWORD"


def login_variables(project: Project) -> tuple[str, ...]:
    """The variables that deps needs to reach the lock's files; none if only the default index is used."""
    urls = (project.uv.index_url, *project.uv.extra_index_url, *project.uv.find_links)
    indexes = [index for index in indexes_of(project) if _is_remote(index.url)]
    others = any(isinstance(package.source, GitSource | UrlSource) for package in project.lock.packages)
    found = {name for index in indexes for name in variables_of(index) or ()}
    if indexes or others or any(url is not None and _is_remote(url) for url in urls):
        found.add(NETRC)
    return tuple(sorted(found))


def login_hosts(project: Project) -> tuple[tuple[str, str], ...]:
    """Hosts (with ports) whose files may need credentials; none if only the default index is used.

    Each comes with the prefix of its variables, ``""`` if only a netrc file can have the credentials; sorted.
    As in uv, the credentials of an index apply to its host; its files may be on a different host.
    """
    found: dict[str, str] = {}
    indexes = [index for index in indexes_of(project) if _is_remote(index.url)]
    for index in indexes:
        if names := variables_of(index):
            found.setdefault(host_of(index.url), names[0].removesuffix("_USERNAME"))
    urls = (project.uv.index_url, *project.uv.extra_index_url, *project.uv.find_links)
    named = {*(index.url for index in indexes), *(url for url in urls if url is not None and _is_remote(url))}
    known = {_index_key(url) for url in named}
    others = [url for package in project.lock.packages for url in _files_of(package, known)]
    for url in (*sorted(named), *others):
        found.setdefault(host_of(url), "")
    return tuple(sorted((host, name) for host, name in found.items() if host))


def host_of(url: str) -> str:
    """Host and port of a URL, as written; ``""`` if it is not a URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _index_key(url: str) -> str:
    """A key for an index's URL without credentials, which a lock does not have."""
    host = host_of(url)
    # What has no host may not be a URL at all (`http://[x`), which `urlsplit` refuses.
    return f"{host}{urlsplit(url).path.rstrip('/')}" if host else url


def _files_of(package: Package, indexes: Set[str]) -> Iterator[str]:
    """The URLs of a package from one of ``indexes``, or from a direct URL."""
    source = package.source
    if isinstance(source, UrlSource):
        yield source.url
    elif isinstance(source, RegistrySource) and source.url and _index_key(source.url) in indexes:
        yield from (file.url for file in (*package.wheels, package.sdist) if file and file.url)


def _is_remote(url: str) -> bool:
    return url.startswith(("https://", "http://"))
