"""Fetching one file with its hash checked."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import requests

from uvlock2nix.errors import InputError, NetworkError

CHUNK: Final = 1 << 20
TIMEOUT: Final = (30, 120)
TRIES: Final = 3


def without_credentials(url: str) -> str:
    """The URL as it may be printed: no user, no password, no query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def fetch(url: str, to: Path, *, expected: str | None, size: int | None = None) -> None:
    """Download ``url`` to the file ``to``; ``expected`` is ``algorithm:hex`` as in a lock.

    Raises:
        NetworkError: it cannot be had.
        InputError: it is another file than the one that was locked.
    """
    shown = without_credentials(url)
    digest, length = "", 0
    for attempt in range(1, TRIES + 1):
        try:
            digest, length = _download(url, to, expected)
            break
        except requests.RequestException as error:
            answer = getattr(error, "response", None)
            final = answer is not None and answer.status_code < 500
            if final or attempt == TRIES:
                reason = f"HTTP {answer.status_code}" if answer is not None else type(error).__name__
                raise NetworkError(
                    f"{shown}: {reason}",
                    hint="the build needs the network (a fixed-output derivation has it); credentials of a "
                    "private index come from ~/.netrc or UV_INDEX_<NAME>_USERNAME and _PASSWORD",
                ) from None
    if size is not None and length != size:
        raise InputError(f"{shown}: {length} bytes, the lock says {size}", hint="run `uv lock` again")
    if expected and digest != expected.partition(":")[2]:
        raise InputError(
            f"{shown}: the hash is {digest}, the lock says {expected}",
            hint="the file was changed after it was locked; if that is right, `uv lock --upgrade-package`",
        )


def _download(url: str, to: Path, expected: str | None) -> tuple[str, int]:
    algorithm = (expected or "sha256:").partition(":")[0]
    if algorithm not in hashlib.algorithms_available:
        raise InputError(f"the lock names a hash of kind `{algorithm}`", hint="known: sha256, sha384, sha512")
    digest, length = hashlib.new(algorithm), 0
    # requests knows its own variable only; the rest of the world, uv too, means SSL_CERT_FILE.
    trusted = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
    with requests.get(url, stream=True, timeout=TIMEOUT, verify=trusted) as answer, to.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_content(CHUNK):
            digest.update(chunk)
            length += len(chunk)
            file.write(chunk)
    return digest.hexdigest(), length
