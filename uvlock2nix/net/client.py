"""What fetching over HTTP has in common: one session, bodies as they were sent, errors of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from uvlock2nix import __version__
from uvlock2nix.errors import InputError, NetworkError

if TYPE_CHECKING:
    # Imported where it is used: it costs more time than all of ours, and most runs fetch nothing.
    import requests

TIMEOUT: Final = (10, 60)
CHUNK: Final = 1 << 16
MAX_FILE: Final = 1 << 30
CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})\Z")
# A server that compresses on the way sends lengths and ranges of something else than was asked for.
HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": f"uvlock2nix/{__version__}"}

# (bytes so far, bytes in all or None)
Progress = Callable[[int, int | None], None]


def new_session() -> requests.Session:
    """A session: connections are kept between requests."""
    import requests

    return requests.Session()


@contextmanager
def answer(
    session: requests.Session, url: str, headers: Mapping[str, str], hint: str
) -> Iterator[requests.Response]:
    """The answer to a GET, its body not read yet.

    Raises:
        InputError: ``url`` is not one of http or https.
        NetworkError: also for what goes wrong while the body is read inside of the block.
    """
    import requests
    from urllib3.exceptions import HTTPError

    if not url.startswith(("https://", "http://")):
        raise InputError(f"{url[:200]} is not an http address")
    try:
        with session.get(url, headers={**HEADERS, **headers}, timeout=TIMEOUT, stream=True) as response:
            yield response
    except (requests.RequestException, HTTPError) as error:
        raise NetworkError(f"{url}: {_said(error)}", hint=hint) from error


def _said(error: BaseException) -> str:
    """What went wrong, without the layers that it came through."""
    inner: object = error
    for _ in range(10):
        if isinstance(inner, OSError) and inner.strerror:
            return f"cannot be reached: {inner.strerror}"
        if not isinstance(inner, BaseException):
            break
        following = (getattr(inner, "reason", None), *inner.args[:1], inner.__cause__, inner.__context__)
        deeper = next((one for one in following if isinstance(one, BaseException)), None)
        if deeper is None or deeper is inner:
            break
        inner = deeper
    text = " ".join(str(error).split())
    return type(error).__name__ + (f": {text[:160]}" if text else "")


def body(response: requests.Response, limit: int) -> Iterator[bytes]:
    """The body as it was sent, in pieces, at most ``limit`` bytes.

    A content coding is never undone: hashes, lengths and ranges are of what was sent, and a library that
    happens to be there (brotli, for one) must not change what is kept.

    Raises:
        NetworkError: there is more of it.
    """
    done = 0
    for chunk in response.raw.stream(CHUNK, decode_content=False):
        done += len(chunk)
        if done > limit:
            size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
            raise NetworkError(f"{response.url}: larger than {size}")
        yield chunk


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
