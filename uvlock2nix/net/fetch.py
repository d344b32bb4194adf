"""Fetch files into the cache: completely, with their hash checked, or in parts by range.

Nothing from a server is trusted: sizes are limited, a wrong hash is an error, and only http and https are
allowed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Protocol

from uvlock2nix.atomic import replacing
from uvlock2nix.cache import hash_key
from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.client import (
    Client,
    Limits,
    Logins,
    Progress,
    is_coded,
    length_of,
    range_of,
    refuse,
)
from uvlock2nix.net.download import NO_SPACE, download
from uvlock2nix.net.hashes import ALGORITHMS, digest_of
from uvlock2nix.net.urls import shown_url

_OFFLINE: Final = "check the network; --no-inspect works without it"


class Fetcher(Protocol):
    """The port to the network; tests have their own implementation."""

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        """The file at ``url`` on disk, with its hash checked. Raises NetworkError or InputError."""
        ...

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """``length`` bytes from ``start`` (negative: from the end) and the size of the whole.

        Raises NetworkError, also if the server does not support ranges.
        """
        ...

    def text(self, url: str, limit: int) -> str:
        """A small text. Raises NetworkError, also if it is longer than ``limit`` bytes."""
        ...


@dataclass(slots=True)
class HttpFetcher:
    """Fetches over HTTP with a session; complete files are stored in ``cache`` under their hash."""

    cache: Path
    progress: Progress | None = None
    limits: Limits = field(default_factory=Limits)
    logins: Logins | None = None
    _client: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = Client(self.limits, self.logins, hint=_OFFLINE)

    def stop(self) -> None:
        """Make running fetches end soon, with an error."""
        self._client.stop()

    def close(self) -> None:
        """Close the connections, if any."""
        self._client.close()

    def __enter__(self) -> HttpFetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        """See :class:`Fetcher`. Without a hash in the lock, nothing is fetched: it could be anything."""
        key = hash_key(hash_)
        algorithm, _, digest = (key or "").partition("-")
        if key is None or algorithm not in ALGORITHMS:
            raise InputError(f"{name}: the lock has no hash for it, so it is not fetched")
        target = self.cache / "files" / key
        with contextlib.suppress(OSError):
            if digest_of(target, algorithm) == digest:
                return target
        with _writing(target) as file:
            hasher = hashlib.new(algorithm)
            for chunk in self._stream(url):
                hasher.update(chunk)
                file.write(chunk)
            if hasher.hexdigest() != digest:
                raise InputError(
                    f"{name}: wrong hash: {shown_url(url)} has {algorithm}:{hasher.hexdigest()}, the lock "
                    f"says {hash_}",
                    hint="the file was replaced on the server, or in transit; do not use it",
                )
        return target

    def text(self, url: str, limit: int) -> str:
        """See :class:`Fetcher`."""
        parts: list[bytes] = []
        size = 0
        with self._client.answer(url) as response:
            refuse(response, 200)
            # A text has no hash, so it may be decoded if the server encodes it anyway.
            for chunk in response.iter_content(self.limits.chunk):
                size += len(chunk)
                if size > limit:
                    raise NetworkError(f"{shown_url(url)}: longer than {limit} bytes")
                parts.append(chunk)
        return b"".join(parts).decode("utf-8", "replace")

    def resume(self, url: str) -> Path:
        """A file without a hash that changes at its URL: see :func:`download`."""
        return download(self._client, url, self.cache / "downloads", self.progress)

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """See :class:`Fetcher`."""
        wanted = f"bytes={start}-{start + length - 1}" if start >= 0 else f"bytes={start}"
        with self._client.answer(url, {"Range": wanted}) as response:
            if response.status_code != 206 or is_coded(response):
                raise NetworkError(
                    f"{shown_url(url)}: the server does not support ranges ({response.status_code})"
                )
            where = range_of(response)
            if where is None:
                raise NetworkError(f"{shown_url(url)}: the server's response does not state its range")
            first, last, whole = where
            count = min(length, whole - start) if start >= 0 else min(-start, whole)
            if first != (start if start >= 0 else whole - count) or last != first + count - 1:
                raise NetworkError(f"{shown_url(url)}: the server sent a different range than requested")
            data = b"".join(self._client.body(response, count, self.limits.chunk))
            if len(data) != count:
                raise NetworkError(f"{shown_url(url)}: the connection was closed too early")
            return data, whole

    def _stream(self, url: str) -> Iterator[bytes]:
        with self._client.answer(url) as response:
            refuse(response, 200)
            total, done = length_of(response), 0
            for chunk in self._client.body(response, self.limits.file, self.limits.chunk):
                done += len(chunk)
                if self.progress is not None:
                    self.progress(done, total)
                yield chunk


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[IO[bytes]]:
    """As ``replacing``, in the cache, with our own error."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            yield file
    except OSError as error:
        raise InputError(
            f"cannot write to the cache {target.parent}: {error.strerror}", hint=NO_SPACE
        ) from error
