"""Fetching files: whole, with their hash checked, into a cache; or parts of them by range.

An adapter: only the command line calls it. Nothing that a server sends is trusted: sizes are bounded, a
wrong hash is an error, and only http and https are spoken.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.client import (
    CHUNK,
    MAX_FILE,
    Progress,
    answer,
    body,
    is_coded,
    length_of,
    new_session,
    range_of,
)
from uvlock2nix.net.download import download

if TYPE_CHECKING:
    import requests

_ALGORITHMS: Final = ("sha256", "sha384", "sha512", "blake2b", "sha1", "md5", "sha224")
PATIENCE: Final = 3
_OFFLINE: Final = "is the network reachable? --no-inspect does without it"


class Fetcher(Protocol):
    """What gathering needs from the network; tests give their own."""

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        """The file of ``url`` on disk, its hash checked. Raises NetworkError or InputError."""
        ...

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """``length`` bytes from ``start`` (negative: from the end) and the size of the whole.

        Raises NetworkError, also when the server does not serve ranges.
        """
        ...

    def text(self, url: str, limit: int) -> str:
        """A small text. Raises NetworkError, also where it is longer than ``limit`` bytes."""
        ...


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/uvlock2nix``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "uvlock2nix"


@dataclass
class HttpFetcher:
    """Fetches over HTTP with one session; whole files are kept in ``cache`` under their hash."""

    cache: Path
    progress: Progress | None = None
    _made: list[requests.Session] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _failed: Counter[str] = field(default_factory=Counter, repr=False)
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def session(self) -> requests.Session:
        """Made when something is fetched: a run that finds everything in the cache needs none."""
        with self._lock:
            if not self._made:
                self._made.append(new_session())
            return self._made[0]

    def stop(self) -> None:
        """Let whoever still fetches end soon, with an error."""
        self._stopped.set()

    @contextlib.contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """As :func:`answer`; a host that could not be reached thrice in a row is not asked again."""
        host = urlsplit(url).netloc
        if self._stopped.is_set():
            raise NetworkError(f"{url}: stopped")
        if self._failed[host] >= PATIENCE:
            raise NetworkError(f"{url}: not asked: its server cannot be reached", hint=_OFFLINE)
        try:
            with answer(self.session, url, headers, _OFFLINE) as response:
                self._failed[host] = 0
                yield response
        except NetworkError as error:
            # What the server itself refuses has no cause below.
            self._failed[host] += error.__cause__ is not None
            raise

    def close(self) -> None:
        """Close the connections, if there are any."""
        with self._lock:
            while self._made:
                self._made.pop().close()

    def __enter__(self) -> HttpFetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def file(self, url: str, hash_: str | None, name: str) -> Path:
        """See :class:`Fetcher`. Without a hash in the lock nothing is fetched: it could be anything."""
        algorithm, _, digest = (hash_ or "").partition(":")
        if algorithm not in _ALGORITHMS or not re.fullmatch(r"[0-9a-fA-F]{32,128}", digest):
            raise InputError(f"{name}: the lock has no hash for it, so it is not fetched")
        target = self.cache / "files" / f"{algorithm}-{digest.lower()}"
        if target.is_file() and _hash_of(target, algorithm) == digest.lower():
            return target
        with _temporary(target) as (file, temporary):
            hasher = hashlib.new(algorithm)
            for chunk in self._stream(url):
                hasher.update(chunk)
                file.write(chunk)
            if hasher.hexdigest() != digest.lower():
                raise InputError(
                    f"{name}: wrong hash: {url} gave {algorithm}:{hasher.hexdigest()}, the lock says {hash_}",
                    hint="the file was replaced on the server, or on the way; do not use it",
                )
            file.flush()
            temporary.replace(target)
        return target

    def text(self, url: str, limit: int) -> str:
        """See :class:`Fetcher`."""
        parts: list[bytes] = []
        size = 0
        with self._answer(url, {}) as response:
            _refuse(response, 200)
            for chunk in response.iter_content(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise NetworkError(f"{url}: longer than {limit} bytes")
                parts.append(chunk)
        return b"".join(parts).decode("utf-8", "replace")

    def resume(self, url: str) -> Path:
        """A file that has no hash and changes under its name: see :func:`download`."""
        return download(self.session, url, self.cache / "downloads", self.progress)

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """See :class:`Fetcher`."""
        wanted = f"bytes={start}-{start + length - 1}" if start >= 0 else f"bytes={start}"
        with self._answer(url, {"Range": wanted}) as response:
            if response.status_code != 206 or is_coded(response):
                raise NetworkError(f"{url}: the server does not serve parts ({response.status_code})")
            where = range_of(response)
            if where is None:
                raise NetworkError(f"{url}: the server's answer does not say which part it is")
            first, last, whole = where
            count = min(length, whole - start) if start >= 0 else min(-start, whole)
            if first != (start if start >= 0 else whole - count) or last != first + count - 1:
                raise NetworkError(f"{url}: the server sent another part than asked for")
            data = b"".join(body(response, count))
            if len(data) != count:
                raise NetworkError(f"{url}: the connection ended too early")
            return data, whole

    def _stream(self, url: str) -> Iterator[bytes]:
        with self._answer(url, {}) as response:
            _refuse(response, 200)
            total, done = length_of(response), 0
            for chunk in body(response, MAX_FILE):
                done += len(chunk)
                if self.progress is not None:
                    self.progress(done, total)
                yield chunk


def _refuse(response: requests.Response, wanted: int) -> None:
    if response.status_code != wanted:
        raise NetworkError(f"{response.url}: the server answered {response.status_code}")


def _hash_of(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[_File, Path]]:
    """A new file beside ``target`` that is gone afterwards unless it was renamed."""
    name = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        with os.fdopen(descriptor, "wb") as file:
            yield file, Path(name)
    except OSError as error:
        raise InputError(
            f"cannot write to the cache {target.parent}: {error.strerror}",
            hint="is the disk full? XDG_CACHE_HOME names another place",
        ) from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


class _File(Protocol):
    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...
