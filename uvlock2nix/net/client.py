"""The one HTTP client: a session, logins, bodies as they were sent, errors in words and without secrets."""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from uvlock2nix import __version__
from uvlock2nix.dataclass import dataclass
from uvlock2nix.errors import InputError, NetworkError
from uvlock2nix.net.urls import realm_of, shown_url
from uvlock2nix.net.variables import certificates, proxies

if TYPE_CHECKING:
    # Imported where it is used: it costs more time than all of ours, and most runs fetch nothing.
    import requests

CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})\Z")
# A server that compresses on the way sends lengths and ranges of something else than was asked for.
HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": f"uvlock2nix/{__version__}"}
ONLY_HTTP: Final = ("https://", "http://")

# (scheme, host:port) → (user, password)
Logins: TypeAlias = Mapping[tuple[str, str], tuple[str, str]]

# (bytes so far, bytes in all or None)
Progress: TypeAlias = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of fetching.

    ``connect`` and ``read``: seconds without an answer. ``tries`` of one file, with ``pause`` seconds before
    the second one and twice as much before each further one. ``patience``: so often in a row a host may not
    be reached before it is not asked again. ``file``: the most bytes of one file. ``chunk``: bytes that are
    taken at a time; ``resumed_chunk`` where what came before an interruption counts.
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
    """Answers to requests; connections are kept between them. Several threads may use it at once."""

    def __init__(
        self,
        limits: Limits | None = None,
        logins: Logins | None = None,
        hint: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """``logins`` win over netrc files, a login in a URL over both. ``hint`` goes with network errors.

        ``env``: the variables that name certificates, proxies, and hosts without a certificate that can be
        checked (uv's ``UV_INSECURE_HOST``); default: this process's.
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
        """Let whoever still fetches end soon, with an error."""
        self._stopped.set()

    def close(self) -> None:
        """Close the connections, if there are any."""
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
        """The answer to a GET, its body not read yet.

        Raises:
            InputError: ``url`` is not one of http or https.
            NetworkError: also for what goes wrong while the body is read inside of the block. A host that
                could not be reached ``patience`` times in a row is not asked again.
        """
        hint = hint or self._hint
        shown, host = shown_url(url), realm_of(url)[1]
        if not url.startswith(ONLY_HTTP):
            raise InputError(f"{shown[:200]} is not an HTTP URL")
        if self._stopped.is_set():
            raise NetworkError(f"{shown}: stopped")
        if self._failed[host] >= self.limits.patience:
            # In the words of the first time: the answer must not hang on who was asked before whom.
            raise NetworkError(f"{shown}: {self._reasons[host]}", hint=hint)
        with self._in_words(shown, host, hint), self._get(url, {**HEADERS, **(headers or {})}) as response:
            self._failed[host] = 0
            self._reasons.pop(host, None)
            yield response

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        try:
            proxy, trusted = proxies(url, self._env), certificates(url, self._env)
        except ValueError:
            proxy, trusted = {}, True  # requests says what is wrong with the URL
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
            # Without a cause: what requests says has the URL as it was given.
            raise NetworkError(f"{shown}: {reason}", hint=hint, data={"reason": reason}) from None

    def _session(self) -> requests.Session:
        """Made when something is fetched: a run that finds everything in the cache needs none."""
        with self._lock:
            if not self._made:
                self._made.append(_new_session())
            return self._made[0]

    def _login(self, url: str) -> tuple[str, str] | None:
        try:
            parts = urlsplit(url)
            user, password = parts.username, parts.password
        except ValueError:
            return None  # requests says what is wrong with it
        if user is not None:
            # By ourselves: requests would take a netrc's first.
            return unquote(user), unquote(password or "")
        return self._logins.get(realm_of(url))


def _new_session() -> requests.Session:
    import requests

    class Session(requests.Session):
        """Follows redirects, but not from https to http: what follows could be read by anybody."""

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            target = super().get_redirect_target(resp)
            if target and resp.url.startswith("https:"):
                there = urljoin(resp.url, target)
                # As requests reads it: in any case, and with what may be in front of it.
                if urlsplit(there.lstrip()).scheme == "http":
                    raise NetworkError(
                        f"{shown_url(resp.url)}: redirected to {shown_url(there)}, without encryption",
                        hint="use an index that stays on https",
                    )
            return target

    return Session()


def _words(error: BaseException) -> str:
    """What went wrong, in words; nothing that a library says about a URL, which may hold a secret."""
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
    """An error and those below it: libraries wrap them in arguments and reasons as well as in causes."""
    inner: BaseException | None = error
    seen: set[int] = set()
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        following = (getattr(inner, "reason", None), *inner.args, inner.__cause__, inner.__context__)
        inner = next((one for one in following if isinstance(one, BaseException)), None)


def body(response: requests.Response, limit: int, chunk: int) -> Iterator[bytes]:
    """The body as it was sent, in pieces of ``chunk`` bytes, at most ``limit`` bytes.

    A content coding is never undone: hashes, lengths and ranges are of what was sent, and a library that
    happens to be there (brotli, for one) must not change what is kept.

    Raises:
        NetworkError: there is more of it, or less than the server promised.
    """
    import requests

    done, promised = 0, length_of(response)
    for piece in response.raw.stream(chunk, decode_content=False):
        done += len(piece)
        if done > limit:
            size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
            raise NetworkError(f"{shown_url(response.url)}: larger than {size}")
        yield piece
    if promised is not None and done < promised:
        # Older versions of urllib3 do not look at it by themselves.
        raise requests.exceptions.ChunkedEncodingError


def refuse(response: requests.Response, wanted: int, hint: str = "") -> None:
    """Raise NetworkError, with ``status`` in its data, unless the answer has the status ``wanted``."""
    if response.status_code != wanted:
        raise NetworkError(
            f"{shown_url(response.url)}: the server answered HTTP {response.status_code}",
            hint=hint,
            data={"status": response.status_code},
        )


def length_of(response: requests.Response) -> int | None:
    """``Content-Length``, ``None`` where there is none."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def range_of(response: requests.Response) -> tuple[int, int, int] | None:
    """(first, last, size of the whole) of a part as ``Content-Range`` says it, ``None`` for nonsense."""
    match = CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    if match is None:
        return None
    first, last, whole = int(match[1]), int(match[2]), int(match[3])
    return (first, last, whole) if first <= last < whole else None


def is_coded(response: requests.Response) -> bool:
    """Whether the body is a coding (gzip, br …) of what was asked for, although that was declined."""
    return response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")
