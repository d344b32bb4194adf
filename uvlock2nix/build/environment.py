"""What the programs that sync runs see of the machine: environment variables, indexes, logins."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from uvlock2nix.build.values import SyncRequest
from uvlock2nix.lock import Index, Project
from uvlock2nix.net.locked import Logins

# What a user's session may have set and a build must not see.
FOREIGN: Final = re.compile(
    r"PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|XDG_\w+_HOME|PIP_\w+|UV_.*|GIT_(DIR|WORK_TREE|INDEX_FILE|CONFIG.*)"
)
# Of uv's own: how to reach an index and who is asking. What to install, and how, the lock says.
KEPT: Final = re.compile(
    r"UV_INDEX_\w+_(USERNAME|PASSWORD)|UV_DEFAULT_INDEX|UV_HTTP_\w+|UV_KEYRING_PROVIDER|UV_NATIVE_TLS"
    r"|UV_SYSTEM_CERTS|UV_INSECURE_HOST|UV_CONCURRENT_\w+|UV_REQUEST_TIMEOUT"
)


def base_environment(request: SyncRequest, outer: Mapping[str, str]) -> dict[str, str]:
    """The environment of every program that runs: no trace of the user's, uv without surprises."""
    env = {
        name: value for name, value in outer.items() if KEPT.fullmatch(name) or not FOREIGN.fullmatch(name)
    }
    home = _home(request.work / "home", outer)
    cache = request.work / "uv-cache"
    cache.mkdir(parents=True, exist_ok=True)
    env.update(
        HOME=str(home),
        UV_CACHE_DIR=str(cache),
        UV_PROJECT_ENVIRONMENT=str(request.out),
        UV_PYTHON_DOWNLOADS="never",
        UV_PYTHON_PREFERENCE="only-system",
        UV_NO_SYSTEM_CONFIG="1",
        UV_NO_INSTALLER_METADATA="1",
        UV_NO_PROGRESS="1",
        UV_LINK_MODE="copy",
        UV_NO_ENV_FILE="1",
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONHASHSEED="0",
        SOURCE_DATE_EPOCH="315532800",
        LC_ALL="C.UTF-8",
        TZ="UTC",
    )
    if "SSL_CERT_FILE" in env:
        env.setdefault("REQUESTS_CA_BUNDLE", env["SSL_CERT_FILE"])
        env.setdefault("GIT_SSL_CAINFO", env["SSL_CERT_FILE"])
    return env


def _home(home: Path, outer: Mapping[str, str]) -> Path:
    """An empty home, but for the user's logins: git looks nowhere else for them."""
    home.mkdir(parents=True, exist_ok=True)
    netrc = Path(outer.get("NETRC") or Path(outer.get("HOME") or "/") / ".netrc")
    link = home / ".netrc"
    if os.access(netrc, os.R_OK) and not link.is_symlink() and netrc != link:
        link.symlink_to(netrc.absolute())
    return home


def index_flags(project: Project) -> tuple[str, ...]:
    """uv's flags for the indexes of the project, for what is installed outside of its lock."""
    flags: list[str] = []
    for index in project.uv.indexes:
        if index.explicit:
            continue
        url = _absolute(index.url, project.root)
        if index.format == "flat":
            flags.append(f"--find-links={url}")
        else:
            # With its name, by which uv knows the variables of its login.
            named = f"{index.name}={url}" if index.name else url
            flags.append(f"--{'default-index' if index.default else 'index'}={named}")
    if project.uv.index_url:
        flags.append(f"--default-index={_absolute(project.uv.index_url, project.root)}")
    flags += [f"--index={_absolute(url, project.root)}" for url in project.uv.extra_index_url]
    flags += [f"--find-links={_absolute(url, project.root)}" for url in project.uv.find_links]
    return tuple(flags)


def _absolute(url: str, root: Path) -> str:
    return url if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url) else str((root / url).resolve())


def logins(project: Project, outer: Mapping[str, str]) -> Logins:
    """Logins of the project's indexes: (scheme, host and port) → (user, password).

    From ``UV_INDEX_<NAME>_USERNAME`` and ``_PASSWORD``, else from the index's URL in pyproject.toml. A login
    holds for all files of that host, as in uv: an index and its files have different paths.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for index in project.uv.indexes:
        login = _login(index, outer)
        if login:
            found.setdefault(realm(index.url), login)
    return found


def realm(url: str) -> tuple[str, str]:
    """(scheme, ``host:port``) of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _login(index: Index, outer: Mapping[str, str]) -> tuple[str, str] | None:
    if index.name:
        name = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
        user, password = outer.get(f"UV_INDEX_{name}_USERNAME"), outer.get(f"UV_INDEX_{name}_PASSWORD")
        if user or password:
            return user or "", password or ""
    return None


@dataclass(frozen=True, slots=True)
class Extra:
    """What ``[tool.uv]`` adds to the build of one package."""

    build_requires: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, tuple[str, ...]], ...] = ()


def extra(project: Project, name: str, locked: Mapping[str, str | None]) -> Extra:
    """``extra-build-dependencies``, ``extra-build-variables`` and ``config-settings`` for a package.

    ``locked`` maps names to the versions of this environment, for ``match-runtime``.
    """
    requires: list[str] = []
    for one in dict(project.uv.extra_build_dependencies).get(name, ()):
        version = locked.get(re.split(r"[^A-Za-z0-9._-]", one.requirement, maxsplit=1)[0].lower())
        pinned = one.match_runtime and version
        requires.append(f"{one.requirement}=={version}" if pinned else one.requirement)
    return Extra(
        tuple(requires),
        dict(project.uv.extra_build_variables).get(name, ()),
        (*project.uv.config_settings, *dict(project.uv.config_settings_package).get(name, ())),
    )
