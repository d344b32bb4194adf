"""Fetch a file of the lock to a given path, with its hash checked, as builds do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from uvlock2nix.errors import NetworkError
from uvlock2nix.net.client import ONLY_HTTP, Client, Limits, Logins, refuse
from uvlock2nix.net.hashes import Expected
from uvlock2nix.net.urls import shown_url

PATIENT: Final = Limits(read=120, tries=3, file=1 << 40, chunk=1 << 20)
_HINT: Final = (
    "the build needs the network (a fixed-output derivation has it); credentials of a private index come "
    "from ~/.netrc or UV_INDEX_<NAME>_USERNAME and _PASSWORD"
)


def fetch(
    url: str,
    to: Path,
    *,
    expected: str | None,
    size: int | None = None,
    logins: Logins | None = None,
    env: Mapping[str, str] | None = None,
    limits: Limits = PATIENT,
) -> None:
    """Download ``url`` to the file ``to``; ``expected`` is ``algorithm:hex`` as in a lock.

    Credentials in the URL override ``logins``, which override ``~/.netrc``. ``env``: see :class:`Client`.

    Raises:
        NetworkError: it cannot be downloaded.
        InputError: it is a different file than the locked one.
    """
    shown = shown_url(url)
    wanted = Expected.parse(expected, size)
    if not url.startswith(ONLY_HTTP):
        raise NetworkError(f"{shown}: not an HTTP URL", hint=_HINT)
    with Client(limits, logins, _HINT, env) as client:
        for attempt in range(1, limits.tries):
            try:
                return wanted.check(shown, *_download(client, url, to, wanted))
            except NetworkError as error:
                status = error.data.get("status")
                if isinstance(status, int) and status < 500:
                    raise
                time.sleep(limits.pause * 2 ** (attempt - 1))
        return wanted.check(shown, *_download(client, url, to, wanted))


def _download(client: Client, url: str, to: Path, wanted: Expected) -> tuple[str, int]:
    digest, length = hashlib.new(wanted.algorithm), 0
    with client.answer(url) as response, to.open("wb") as file:
        refuse(response, 200, _HINT)
        for chunk in client.body(response, client.limits.file, client.limits.chunk):
            digest.update(chunk)
            length += len(chunk)
            file.write(chunk)
            if wanted.size is not None and length > wanted.size:
                break
    return digest.hexdigest(), length
