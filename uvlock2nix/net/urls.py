"""URLs as they may be shown: the one policy for credentials in them.

Neither user nor password (both can be a token), neither query nor fragment (signed URLs keep their signature
there). What looks like a URL and cannot be read as one is cut to its scheme.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

# Up to a blank or a character that cannot be part of a URL and often ends one in a text.
_URL: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'`<>|\\^{}\x00-\x1f\x7f]+")
_NO_PORT: Final = re.compile(r":[^\]]*[^0-9\]][^\]]*\Z")
# The user of git over ssh is everybody's: https://git-scm.com/docs/git-clone#_git_urls
_COMMON_USERS: Final = frozenset({"git", "hg"})


def shown_url(url: str) -> str:
    """``url`` without user, password, query and fragment.

    >>> shown_url("https://joe:secret@host/simple/x?sig=secret#sha256=0")
    'https://host/simple/x'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return re.split(r"[?#]", url, maxsplit=1)[0]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" not in authority and "@" in rest and _NO_PORT.search(authority):
        # No host but the user, and the begin of a password with a slash that is not quoted.
        rest = rest.rpartition("@")[2]
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path = re.split(r"[?#]", rest[len(authority) :], maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    if "ssh" in scheme.lower() and user in _COMMON_USERS:
        host = authority
    return f"{scheme}://{host}{path}"


def shown_text(text: str) -> str:
    """``text`` (of a program, of a library) with every URL in it as :func:`shown_url` has it."""
    return _URL.sub(lambda match: shown_url(match[0]), text) if "://" in text else text


def without_login(url: str) -> str:
    """``url`` without ``user:password@``, to compare two of them; the query stays, so not to be shown."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{rest[len(authority) :]}"


def realm_of(url: str) -> tuple[str, str]:
    """(scheme, ``host:port``) of a URL: what a login is for."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()
