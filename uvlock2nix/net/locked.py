"""Fetching one file that a lock names, with its hash checked."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from uvlock2nix.errors import InputError, NetworkError

CHUNK: Final = 1 << 20
TIMEOUT: Final = (30, 120)
TRIES: Final = 3
# The kinds that uv writes into locks.
ALGORITHMS: Final = ("sha256", "sha384", "sha512", "blake2b", "md5")

# (scheme, host:port) → (user, password)
Logins = Mapping[tuple[str, str], tuple[str, str]]


def without_credentials(url: str) -> str:
    """The URL as it may be printed: no user, no password, no query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fetch(
    url: str,
    to: Path,
    *,
    expected: str | None,
    size: int | None = None,
    logins: Logins | None = None,
    env: Mapping[str, str] | None = None,
    pause: float = 1.0,
) -> None:
    """Download ``url`` to the file ``to``; ``expected`` is ``algorithm:hex`` as in a lock.

    A login in the URL wins over ``logins``, these over ``~/.netrc``. ``env``: the variables that name
    certificates, proxies, and hosts without a certificate that can be checked (uv's ``UV_INSECURE_HOST``);
    default: this process's. ``pause``: seconds before the second try, twice as much before each further one.

    Raises:
        NetworkError: it cannot be had.
        InputError: it is another file than the one that was locked.
    """
    shown = without_credentials(url)
    hasher = _hasher(expected)
    digest, length = "", 0
    for attempt in range(1, TRIES + 1):
        try:
            digest, length = _download(
                url, to, hasher, size, logins or {}, os.environ if env is None else env
            )
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
            time.sleep(pause * 2 ** (attempt - 1))
    check(shown, digest, length, expected=expected, size=size)


def check_file(file: Path, expected: str | None) -> None:
    """Compare a file that is already here with the lock's hash.

    Raises:
        InputError: it is another one, or not there.
    """
    digest = hashlib.new(_hasher(expected))
    try:
        with file.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(
            f"{file}: {error.strerror}", hint="the lock names it; is it in the source of the derivation?"
        ) from None
    check(str(file), digest.hexdigest(), 0, expected=expected, size=None)


def check(shown: str, digest: str, length: int, *, expected: str | None, size: int | None) -> None:
    """Compare a file's digest and length with the lock's."""
    if size is not None and length != size:
        raise InputError(
            f"{shown}: {length} bytes or more, the lock says {size}"
            if length > size
            else f"{shown}: {length} bytes, the lock says {size}",
            hint="run `uv lock` again",
        )
    if expected and digest != expected.partition(":")[2].lower():
        raise InputError(
            f"{shown}: the hash is {digest}, the lock says {expected}",
            hint="the file was changed after it was locked; if that is right, `uv lock --upgrade-package`",
        )


def _hasher(expected: str | None) -> str:
    algorithm = (expected or "sha256:").partition(":")[0]
    if algorithm not in ALGORITHMS:
        raise InputError(
            f"the lock names a hash of kind `{algorithm[:40]}`", hint=f"known: {', '.join(ALGORITHMS)}"
        )
    return algorithm


def _proxies(url: str, env: Mapping[str, str]) -> dict[str, str]:
    """The proxy for a URL by the variables of ``env``, as everybody reads them."""
    scheme = urlsplit(url).scheme
    proxy = env.get(f"{scheme}_proxy") or env.get(f"{scheme}_proxy".upper()) or env.get("all_proxy")
    spared = env.get("no_proxy") or env.get("NO_PROXY") or ""
    if not proxy or requests.utils.should_bypass_proxies(url, no_proxy=spared or None):
        return {}
    return {scheme: proxy}


def _certificates(url: str, env: Mapping[str, str]) -> str | bool:
    """The file with the authorities to trust; True: requests' own; False: the host is not checked.

    What is fetched is checked by its hash in any case.
    """
    host = urlsplit(url).hostname or ""
    places = {host, urlsplit(url).netloc.rpartition("@")[2]}
    if any(one.rpartition("://")[2] in places for one in env.get("UV_INSECURE_HOST", "").split()):
        return False
    # requests knows its own variable only; the rest of the world, uv too, means SSL_CERT_FILE.
    return env.get("REQUESTS_CA_BUNDLE") or env.get("SSL_CERT_FILE") or True


def _download(
    url: str, to: Path, algorithm: str, size: int | None, logins: Logins, env: Mapping[str, str]
) -> tuple[str, int]:
    digest, length = hashlib.new(algorithm), 0
    parts = urlsplit(url)
    login = logins.get((parts.scheme, parts.netloc.lower()))
    if parts.username is not None:
        # By ourselves: requests would take a netrc's first.
        login = (unquote(parts.username), unquote(parts.password or ""))
    # Not compressed on the way: the lock's hash is of the file as it lies on the server.
    headers = {"Accept-Encoding": "identity"}
    with (
        requests.get(
            url,
            stream=True,
            timeout=TIMEOUT,
            verify=_certificates(url, env),
            proxies=_proxies(url, env),
            auth=login,
            headers=headers,
        ) as answer,
        to.open("wb") as file,
    ):
        answer.raise_for_status()
        for chunk in answer.iter_content(CHUNK):
            digest.update(chunk)
            length += len(chunk)
            file.write(chunk)
            if size is not None and length > size:
                break
        promised = answer.headers.get("Content-Length", "")
        if promised.isdigit() and length < int(promised):
            raise requests.ConnectionError("the connection ended before the file did")
    return digest.hexdigest(), length
