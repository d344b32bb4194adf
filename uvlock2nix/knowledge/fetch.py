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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from uvlock2nix import __version__
from uvlock2nix.errors import InputError, NetworkError

if TYPE_CHECKING:
    # Imported where it is used: it costs more time than all of ours, and most runs fetch nothing.
    import requests

TIMEOUT: Final = (10, 60)
CHUNK: Final = 1 << 18
MAX_FILE: Final = 1 << 30
_ALGORITHMS: Final = ("sha256", "sha384", "sha512", "blake2b", "sha1", "md5", "sha224")
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)\Z")

# (bytes so far, bytes in all or None)
Progress = Callable[[int, int | None], None]


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


def _session() -> requests.Session:
    import requests

    return requests.Session()


@dataclass
class HttpFetcher:
    """Fetches over HTTP with one session; whole files are kept in ``cache`` under their hash."""

    cache: Path
    progress: Progress | None = None
    session: requests.Session = field(default_factory=_session)

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
        for chunk in self._stream(url):
            size += len(chunk)
            if size > limit:
                raise NetworkError(f"{url}: longer than {limit} bytes")
            parts.append(chunk)
        return b"".join(parts).decode("utf-8", "replace")

    def resume(self, url: str) -> Path:
        """A file that has no hash and changes under its name, kept in the cache by its ETag.

        What an interrupted run has fetched is not fetched again, if the server's file is still the same.

        Raises:
            NetworkError: the server cannot be reached, refuses, or sends something that does not fit.
        """
        import requests

        folder = self.cache / "downloads"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A GET whose body is not read: unlike HEAD it follows redirects everywhere.
            with self.session.get(_checked(url), headers=_HEADERS, timeout=TIMEOUT, stream=True) as answer:
                if answer.status_code != 200:
                    raise NetworkError(f"{url}: the server answered {answer.status_code}")
                tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
                length = answer.headers.get("Content-Length", "")
        except requests.RequestException as error:
            raise NetworkError(f"{url}: {_short(error)}", hint="is the network reachable?") from error
        except OSError as error:
            raise InputError(f"cannot write to the cache {folder}: {error.strerror}") from error
        total = int(length) if length.isdecimal() else None
        name = hashlib.sha256(f"{url}\n{tag}".encode()).hexdigest()[:32]
        done, partial = folder / name, folder / f"{name}.part"
        if done.is_file():
            return done
        self._continue(url, partial, total)
        if total is not None and partial.stat().st_size != total:
            raise NetworkError(f"{url}: the connection ended too early", hint="run it again: it goes on")
        partial.replace(done)
        return done

    def _continue(self, url: str, partial: Path, total: int | None) -> None:
        import requests

        have = partial.stat().st_size if partial.exists() else 0
        if total is not None and have == total:
            return
        headers = {**_HEADERS, "Range": f"bytes={have}-"} if have else dict(_HEADERS)
        try:
            with self.session.get(url, headers=headers, timeout=TIMEOUT, stream=True) as response:
                if response.status_code not in (200, 206):
                    raise NetworkError(f"{url}: the server answered {response.status_code}")
                going_on = response.status_code == 206
                with partial.open("ab" if going_on else "wb") as file:
                    size = have if going_on else 0
                    for chunk in response.iter_content(CHUNK):
                        size += len(chunk)
                        if size > MAX_FILE:
                            raise NetworkError(f"{url}: larger than {MAX_FILE >> 20} MiB")
                        file.write(chunk)
                        if self.progress is not None:
                            self.progress(size, total)
        except requests.RequestException as error:
            raise NetworkError(f"{url}: {_short(error)}", hint="run it again: it goes on") from error

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """See :class:`Fetcher`."""
        import requests

        wanted = f"bytes={start}-{start + length - 1}" if start >= 0 else f"bytes={start}"
        try:
            with self.session.get(
                _checked(url), headers={**_HEADERS, "Range": wanted}, timeout=TIMEOUT, stream=True
            ) as response:
                if response.status_code != 206:
                    raise NetworkError(f"{url}: the server does not serve parts ({response.status_code})")
                where = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
                if where is None:
                    raise NetworkError(f"{url}: the server's answer does not say which part it is")
                if start >= 0 and int(where[1]) != start:
                    raise NetworkError(f"{url}: the server sent another part than asked for")
                return _bounded(response, length if start >= 0 else -start), int(where[3])
        except requests.RequestException as error:
            raise NetworkError(f"{url}: {_short(error)}", hint=_OFFLINE) from error

    def _stream(self, url: str) -> Iterator[bytes]:
        import requests

        try:
            with self.session.get(_checked(url), headers=_HEADERS, timeout=TIMEOUT, stream=True) as response:
                if response.status_code != 200:
                    raise NetworkError(f"{url}: the server answered {response.status_code}")
                length = response.headers.get("Content-Length", "")
                total = int(length) if length.isdecimal() else None
                done = 0
                for chunk in response.iter_content(CHUNK):
                    done += len(chunk)
                    if done > MAX_FILE:
                        raise NetworkError(f"{url}: larger than {MAX_FILE >> 20} MiB")
                    if self.progress is not None:
                        self.progress(done, total)
                    yield chunk
        except requests.RequestException as error:
            raise NetworkError(f"{url}: {_short(error)}", hint=_OFFLINE) from error


# Without this a server may compress on the way, and lengths and ranges are those of something else.
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": f"uvlock2nix/{__version__}"}
_OFFLINE: Final = "is the network reachable? --no-inspect does without it"


def _bounded(response: requests.Response, length: int) -> bytes:
    parts: list[bytes] = []
    left = length
    for chunk in response.iter_content(CHUNK):
        parts.append(chunk[:left])
        left -= len(chunk)
        if left <= 0:
            break
    return b"".join(parts)


def _checked(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise InputError(f"{url[:200]} is not an http address")
    return url


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return type(error).__name__ + (f": {text[:160]}" if text else "")


def _hash_of(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[_File, Path]]:
    """A new file beside ``target`` that is gone afterwards unless it was renamed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    except OSError as error:
        raise InputError(
            f"cannot write to the cache {target.parent}: {error.strerror}", hint="set XDG_CACHE_HOME"
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


class _File(Protocol):
    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...
