"""The environment of every program in a build: variables, and a home without the user's settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.regex import regex

# Variables of a user's session that a build must not see.
FOREIGN: Final = regex(
    r"PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|XDG_\w+_HOME|PIP_\w+|UV_.*|GIT_(DIR|WORK_TREE|INDEX_FILE|CONFIG.*)"
)


# uv's variables for network access and credentials. The lock decides what to install, and how.
KEPT: Final = regex(
    r"UV_INDEX_\w+_(USERNAME|PASSWORD)|UV_DEFAULT_INDEX|UV_HTTP_\w+|UV_KEYRING_PROVIDER|UV_NATIVE_TLS"
    r"|UV_SYSTEM_CERTS|UV_DYNAMIC_VERSIONING_BYPASS|UV_INSECURE_HOST|UV_CONCURRENT_\w+|UV_REQUEST_TIMEOUT"
)


def base_environment(work: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of every program in a build, without the user's own.

    ``work`` gets its home and uv's cache; ``outer`` is this process's environment.
    """
    env = {
        name: value
        for name, value in outer.items()
        # Nix makes an unset impure variable an empty one: for uv, an empty login, and no netrc file.
        if (value or name != "NETRC")
        and (bool(value) if KEPT.fullmatch(name) else not FOREIGN.fullmatch(name))
    }
    home = _home(work / "home", outer)
    cache = work / "uv-cache"
    cache.mkdir(parents=True, exist_ok=True)
    env.update(
        HOME=str(home),
        UV_CACHE_DIR=str(cache),
        UV_PYTHON_DOWNLOADS="never",
        UV_PYTHON_PREFERENCE="only-system",
        # uv.lock decides what is installed; settings such as `offline` are for their author's machine.
        UV_NO_CONFIG="1",
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
    """An empty home except for the user's netrc, which git reads only there."""
    home.mkdir(parents=True, exist_ok=True)
    netrc = Path(outer.get("NETRC") or Path(outer.get("HOME") or "/") / ".netrc")
    link = home / ".netrc"
    if os.access(netrc, os.R_OK) and not link.is_symlink() and netrc != link:
        link.symlink_to(netrc.absolute())
    return home
