"""The project's indexes, for downloads outside its lock: uv's flags and the credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from uvlock2nix.lock import Index, Project, UvSettings
from uvlock2nix.lock.logins import indexes_of, variables_of

if TYPE_CHECKING:
    from uvlock2nix.net.client import Logins


def index_flags(project: Project) -> tuple[str, ...]:
    """uv's flags for the project's indexes, for installations outside its lock."""
    flags: list[str] = []
    for index in project.uv.indexes:
        if index.explicit:
            continue
        url = _absolute(index.url, project.root)
        if index.format == "flat":
            flags.append(f"--find-links={url}")
        else:
            # With its name, from which uv derives the variables of its credentials.
            named = f"{index.name}={url}" if index.name else url
            flags.append(f"--{'default-index' if index.default else 'index'}={named}")
    if project.uv.index_url:
        flags.append(f"--default-index={_absolute(project.uv.index_url, project.root)}")
    flags += [f"--index={_absolute(url, project.root)}" for url in project.uv.extra_index_url]
    flags += [f"--find-links={_absolute(url, project.root)}" for url in project.uv.find_links]
    if project.uv.index_strategy:
        flags.append(f"--index-strategy={project.uv.index_strategy}")
    if project.uv.no_index:
        flags.append("--no-index")
    return tuple(flags)


def network_environment(uv: UvSettings, outer: Mapping[str, str]) -> dict[str, str]:
    """The network settings of ``[tool.uv]`` as variables; the builder's own proxy wins."""
    found = {"http_proxy": uv.http_proxy, "https_proxy": uv.https_proxy, "no_proxy": ",".join(uv.no_proxy)}
    out = {
        name: value
        for name, value in found.items()
        if value and not outer.get(name) and not outer.get(name.upper())
    }
    if uv.allow_insecure_host:
        out["UV_INSECURE_HOST"] = " ".join(
            (*uv.allow_insecure_host, outer.get("UV_INSECURE_HOST", ""))
        ).strip()
    return out


def _absolute(url: str, root: Path) -> str:
    return url if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url) else str((root / url).resolve())


def logins(project: Project, outer: Mapping[str, str]) -> Logins:
    """Credentials of the project's indexes: (scheme, host and port) → (user, password).

    They come from ``UV_INDEX_<NAME>_USERNAME`` and ``_PASSWORD``, else from the index's URL in
    pyproject.toml. As in uv, they apply to all files of the host, because the paths of an index and its files
    differ.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    named = indexes_of(project)
    for index in named:
        login = _login(index, outer)
        if login:
            found.setdefault(realm(index.url), login)
    uv = project.uv
    urls = [*(index.url for index in named), *uv.extra_index_url, *uv.find_links]
    for url in (*urls, *((uv.index_url,) if uv.index_url else ())):
        parts = urlsplit(url)
        if parts.username or parts.password:
            login = unquote(parts.username or ""), unquote(parts.password or "")
            found.setdefault(realm(url), login)
    return found


def login_environment(project: Project, outer: Mapping[str, str]) -> dict[str, str]:
    """The credentials in URLs of named indexes, as variables, which every version of uv reads."""
    out: dict[str, str] = {}
    for index in indexes_of(project):
        names, parts = variables_of(index), urlsplit(index.url)
        if names is not None and (parts.username or parts.password):
            given = zip(names, (parts.username, parts.password), strict=True)
            out |= {name: unquote(value) for name, value in given if value and not outer.get(name)}
    return out


def login_flags(project: Project) -> tuple[str, ...]:
    """uv's flags for indexes whose credentials it would not find.

    These are unnamed indexes with credentials in their URL, and those of uv.toml, which uv does not read in
    a build: by their names, uv finds the variables of their credentials.
    """
    urls = [*(one.url for one in indexes_of(project) if one.name is None), *project.uv.extra_index_url]
    urls += [project.uv.index_url] if project.uv.index_url else []
    found = [url for url in urls if "@" in urlsplit(url).netloc]
    if PurePosixPath("uv.toml") in project.files:
        named = [one for one in project.uv.indexes if one.name is not None]
        found += [f"{one.name}={one.url}" for one in named if urlsplit(one.url).scheme in ("http", "https")]
    return tuple(f"--index={one}" for one in found)


def realm(url: str) -> tuple[str, str]:
    """(scheme, ``host:port``) of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _login(index: Index, outer: Mapping[str, str]) -> tuple[str, str] | None:
    user, password = (outer.get(name) for name in variables_of(index) or ("", ""))
    return (user or "", password or "") if user or password else None
