"""The HTTP client: a session, credentials, bodies as they were sent, and errors without secrets."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from uvlock2nix import __version__
from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.urls import realm_of, shown_url
from uvlock2nix.net.variables import certificates, proxies
from uvlock2nix.regex import regex

if TYPE_CHECKING:
    # Imported on use: it is slower to import than all of uvlock2nix, and most runs fetch nothing.
    import requests

CONTENT_RANGE: Final = regex(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})\Z")
# If a server compresses, its lengths and ranges are not those of the requested file.
HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": f"uvlock2nix/{__version__}"}
ONLY_HTTP: Final = ("https://", "http://")

# (scheme, host:port) → (user, password)
Logins: TypeAlias = Mapping[tuple[str, str], tuple[str, str]]

# (bytes so far, bytes in all or None)
Progress: TypeAlias = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for fetching.

    ``connect`` and ``read``: seconds without a response. ``tries``: attempts per file, with ``pause`` seconds
    before the second and twice as long before each further one. ``patience``: how often in a row a host may
    be unreachable before it is not tried again. ``file``: maximum bytes of a file. ``chunk``: bytes read at a
    time; ``resumed_chunk`` if an interrupted download can be resumed.
    """

    connect: float = 30
    read: float = 60
    tries: int = 1
    pause: float = 1.0
    patience: int = 3
    file: int = 1 << 30
    chunk: int = 1 << 16
    resumed_chunk: int = 1 << 12


class Client:
    """Sends requests over kept-alive connections. It is thread-safe."""

    def __init__(
        self,
        limits: Limits | None = None,
        logins: Logins | None = None,
        hint: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """``logins`` override netrc files, and credentials in a URL override both. ``hint`` is added to
        network errors.

        ``env`` has the variables for certificates, proxies, and hosts whose certificate is not checked (uv's
        ``UV_INSECURE_HOST``); default: this process's environment.
        """
        self.limits = limits if limits is not None else Limits()
        self._logins = logins if logins is not None else {}
        self._hint = hint
        self._env = env if env is not None else os.environ
        self._made: list[requests.Session] = []
        self._lock = threading.Lock()
        self._failed: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make running fetches end with an error at the next piece of their bodies."""
        self._stopped.set()

    def close(self) -> None:
        """Close the connections, if any."""
        with self._lock:
            while self._made:
                self._made.pop().close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def answer(
        self, url: str, headers: Mapping[str, str] | None = None, hint: str = ""
    ) -> Iterator[requests.Response]:
        """The response to a GET, whose body is not read yet.

        Raises:
            InputError: ``url`` is not one of http or https.
            NetworkError: also for failures while the body is read inside the block. A host that was
                unreachable ``patience`` times in a row is not tried again.
        """
        hint = hint or self._hint
        shown, host = shown_url(url), realm_of(url)[1]
        if not url.startswith(ONLY_HTTP):
            raise InputError(f"{shown[:200]} is not an HTTP URL")
        if self._stopped.is_set():
            raise NetworkError(f"{shown}: stopped")
        if self._failed[host] >= self.limits.patience:
            # The same message as the first time: it must not depend on the order of requests.
            raise NetworkError(f"{shown}: {self._reasons[host]}", hint=hint)
        with self._in_words(shown, host, hint), self._get(url, {**HEADERS, **(headers or {})}) as response:
            self._failed[host] = 0
            self._reasons.pop(host, None)
            yield response

    def body(self, response: requests.Response, limit: int, chunk: int) -> Iterator[bytes]:
        """The body as it was sent, in pieces of ``chunk`` bytes, at most ``limit`` bytes.

        A content coding is never undone: hashes, lengths and ranges are those of the body as sent, and an
        installed library (such as brotli) must not change what is stored.

        Raises:
            NetworkError: the body is too long, or shorter than the server announced, or :meth:`stop` was
                called.
        """
        import requests

        done, promised = 0, length_of(response)
        for piece in response.raw.stream(chunk, decode_content=False):
            done += len(piece)
            if self._stopped.is_set():
                raise NetworkError(f"{shown_url(response.url)}: stopped")
            if done > limit:
                size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
                raise NetworkError(f"{shown_url(response.url)}: larger than {size}")
            yield piece
        if promised is not None and done < promised:
            # Older versions of urllib3 do not check this.
            raise requests.exceptions.ChunkedEncodingError

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        try:
            proxy, trusted = proxies(url, self._env), certificates(url, self._env)
        except ValueError:
            proxy, trusted = {}, True  # requests reports what is wrong with the URL
        return self._session().get(
            url,
            headers=dict(headers),
            auth=self._login(url),
            timeout=(self.limits.connect, self.limits.read),
            verify=trusted,
            proxies=proxy,
            stream=True,
        )

    @contextmanager
    def _in_words(self, shown: str, host: str, hint: str) -> Iterator[None]:
        import requests
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (requests.RequestException, HTTPError) as error:
            reason = _words(error)
            self._reasons.setdefault(host, reason)
            self._failed[host] += 1
            # Without a cause: messages of requests contain the original URL.
            raise NetworkError(f"{shown}: {reason}", hint=hint, data={"reason": reason}) from None

    def _session(self) -> requests.Session:
        """Created on first use: a run that finds everything in the cache needs none."""
        with self._lock:
            if not self._made:
                self._made.append(_new_session())
            return self._made[0]

    def _login(self, url: str) -> tuple[str, str] | None:
        try:
            parts = urlsplit(url)
            user, password = parts.username, parts.password
        except ValueError:
            return None  # requests reports what is wrong with it
        if user is not None:
            # Done here, because requests would prefer netrc.
            return unquote(user), unquote(password or "")
        return self._logins.get(realm_of(url))


def _new_session() -> requests.Session:
    import requests

    class Session(requests.Session):
        """Follows redirects, but not from https to http: the rest could be read by anyone."""

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            target = super().get_redirect_target(resp)
            if target and resp.url.startswith("https:"):
                there = urljoin(resp.url, target)
                # As requests reads it: case-insensitive, and possibly after other text.
                if urlsplit(there.lstrip()).scheme == "http":
                    raise NetworkError(
                        f"{shown_url(resp.url)}: redirected to {shown_url(there)}, without encryption",
                        hint="use an index that stays on https",
                    )
            return target

    return Session()


def _words(error: BaseException) -> str:
    """Describe an error, without a library's text on a URL, which may contain a secret."""
    import requests
    from urllib3 import exceptions

    chain = list(_chain(error))
    if any(isinstance(one, exceptions.ProxyError | requests.exceptions.ProxyError) for one in chain):
        what = "the proxy cannot be reached"
    elif any(isinstance(one, requests.exceptions.SSLError | exceptions.SSLError) for one in chain):
        what = "no secure connection"
    else:
        what = "cannot be reached"
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror and not isinstance(one, requests.RequestException):
            return f"{what}: {one.strerror}"
    timeouts = (requests.exceptions.Timeout, exceptions.TimeoutError, TimeoutError)
    if any(isinstance(one, timeouts) for one in chain):
        return f"{what}: no response in time"
    for kinds, words in (
        (
            (requests.exceptions.ChunkedEncodingError, exceptions.ProtocolError),
            "the connection was closed too early",
        ),
        ((requests.exceptions.TooManyRedirects,), "too many redirects"),
        ((requests.exceptions.InvalidProxyURL,), "the URL of the proxy is not valid"),
        ((requests.exceptions.InvalidURL, exceptions.LocationValueError), "not a valid URL"),
    ):
        if any(isinstance(one, kinds) for one in chain):
            return words
    return f"{what}: {type(chain[-1]).__name__}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those it wraps: libraries put them into arguments and reasons as well as causes."""
    inner: BaseException | None = error
    seen: set[int] = set()
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        following = (getattr(inner, "reason", None), *inner.args, inner.__cause__, inner.__context__)
        inner = next((one for one in following if isinstance(one, BaseException)), None)


def refuse(response: requests.Response, wanted: int, hint: str = "") -> None:
    """Raise NetworkError, with ``status`` in its data, unless the response has the status ``wanted``."""
    if response.status_code != wanted:
        raise NetworkError(
            f"{shown_url(response.url)}: the server answered HTTP {response.status_code}",
            hint=hint,
            data={"status": response.status_code},
        )


def length_of(response: requests.Response) -> int | None:
    """``Content-Length``, ``None`` if there is none."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def range_of(response: requests.Response) -> tuple[int, int, int] | None:
    """(first, last, size of the whole) from ``Content-Range``; ``None`` if invalid."""
    match = CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    if match is None:
        return None
    first, last, whole = int(match[1]), int(match[2]), int(match[3])
    return (first, last, whole) if first <= last < whole else None


def is_coded(response: requests.Response) -> bool:
    """Whether the body is encoded (gzip, br …), although that was declined."""
    return response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")
