"""URLs in a form fit for messages: the policy for hiding credentials.

Hidden are user and password (both can be a token), query and fragment (signed URLs have their signature
there). The common user ``git`` of ssh is shown.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from uvlock2nix.regex import regex

# Up to a space or a character that is not allowed in a URL and often follows one in text.
_URL: Final = regex(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'`<>|\\^{}\x00-\x1f\x7f]+")
# https://git-scm.com/docs/git-clone#_git_urls
_COMMON_USERS: Final = frozenset({"git", "hg"})
# Keys of queries that hold a secret: in signed URLs of object stores and package indexes.
_SIGNED: Final = regex(
    r"(?:^|[&;_-])(?:sig|signature|token|secret|password|key|auth|credential)=", re.IGNORECASE
)
_REST: Final = regex(r"[?#]")
_END: Final = regex(r"[/?#]")


def shown_url(url: str) -> str:
    """``url`` without user, password, query and fragment.

    >>> shown_url("https://joe:secret@host/simple/x?sig=secret#sha256=0")
    'https://host/simple/x'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    authority = _END.split(rest, maxsplit=1)[0]
    if "@" not in authority and "@" in rest and ":" in authority and not _is_port(authority):
        # Not a host but a user and the start of a password, with an unquoted slash or the like.
        rest = rest.rpartition("@")[2]
        authority = _END.split(rest, maxsplit=1)[0]
    path = _REST.split(rest[len(authority) :], maxsplit=1)[0]
    user, at, host = authority.rpartition("@")
    if user in _COMMON_USERS and (not separator or "ssh" in scheme.lower()):
        host = user + at + host
    elif separator and not at and ":" in host and not _is_port(host) and not path:
        host = "…"  # probably cut off in the middle of credentials
    return f"{scheme}{separator}{host}{path}"


def _is_port(authority: str) -> bool:
    """Whether the part after the last colon of ``host:port`` can be a port."""
    return authority.endswith("]") or authority.rpartition(":")[2].isdecimal()


def shown_text(text: str) -> str:
    """``text`` (of a program or library) with credentials and queries hidden in all URLs."""
    if "://" not in text:
        return text
    return _URL.sub(lambda match: _shown_in_text(match[0]), text)


def _shown_in_text(url: str) -> str:
    # Punctuation at the end of a sentence is not part of the URL.
    bare = url.rstrip(".,;:!)]")
    authority = _END.split(bare.partition("://")[2], maxsplit=1)[0]
    if not set("@?") & set(bare) and (":" not in authority or _is_port(authority)):
        return url
    return shown_url(bare) + url[len(bare) :]


def without_login(url: str) -> str:
    """``url`` without ``user:password@``, for comparison; it keeps the query, so do not show it."""
    scheme, separator, rest = url.partition("://")
    authority = _END.split(rest, maxsplit=1)[0]
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{rest[len(authority) :]}"


def plain_url(url: str) -> str:
    """As :func:`shown_url`, with its fragment: to be stored, and fetched by anyone with credentials."""
    _, mark, fragment = url.partition("#")
    return shown_url(url) + mark + fragment


def logins_in(text: str) -> tuple[str, ...]:
    """The URLs of ``text`` with credentials or a signature, in the form for messages, without duplicates."""
    # Most lines of a lock have neither, and searching all for URLs is slower than reading the lock.
    lines = (line for line in text.splitlines() if "://" in line and ("@" in line or "?" in line))
    found = (match[0] for line in lines for match in _URL.finditer(line))
    return tuple(dict.fromkeys(shown_url(url) for url in found if _has_login(url)))


def _has_login(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    user, at, _ = _END.split(rest, maxsplit=1)[0].rpartition("@")
    if at and not (user in _COMMON_USERS and "ssh" in scheme.lower()):
        return True
    return _SIGNED.search(url.partition("#")[0].partition("?")[2]) is not None


def realm_of(url: str) -> tuple[str, str]:
    """(scheme, ``host:port``) of a URL: what credentials apply to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()
