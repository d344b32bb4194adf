"""Which Debian mirror to use: what this machine's own apt uses, or UVLOCK2NIX_STAND_MIRROR."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.stand.provision.shell import StandError


def one_line_sources(text: str) -> Iterator[tuple[str, str]]:
    """(URI, suite) of each `deb` line of sources.list(5)."""
    for raw in text.splitlines():
        words = raw.split("#", 1)[0].split()
        if len(words) < 3 or words[0] != "deb":
            continue
        rest = words[1:]
        if rest[0].startswith("["):
            while rest and not rest[0].endswith("]"):
                rest = rest[1:]
            rest = rest[1:]
        if len(rest) >= 2:
            yield rest[0], rest[1]


def deb822_sources(text: str) -> Iterator[tuple[str, str]]:
    """(URI, suite) of each enabled stanza of a `.sources` file."""
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        last = ""
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t":
                fields[last] = f"{fields.get(last, '')} {line.strip()}"
                continue
            last, _, value = line.partition(":")
            last = last.strip().lower()
            fields[last] = value.strip()
        if (
            fields.get("enabled", "yes").lower() in ("no", "false")
            or "deb" not in fields.get("types", "").split()
        ):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield uri, suite


def configured(apt: Path = Path("/etc/apt")) -> tuple[str, ...]:
    """The distinct archive addresses in this machine's apt configuration, in its order."""
    found: dict[str, None] = {}
    one_line = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]
    readers = [(path, one_line_sources) for path in one_line]
    readers += [(path, deb822_sources) for path in sorted((apt / "sources.list.d").glob("*.sources"))]
    for path, reader in readers:
        if path.is_file():
            for uri, _suite in reader(path.read_text(encoding="utf-8", errors="replace")):
                found[uri.rstrip("/")] = None
    return tuple(found)


def has_suite(uri: str, suite: str) -> bool:
    """Whether the archive at `uri` answers for Debian's `suite`."""
    if not uri.startswith(("http://", "https://", "file:/")):
        return False
    request = urllib.request.Request(f"{uri}/dists/{suite}/Release")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            head = answer.read(2000)
    except (urllib.error.URLError, OSError, ValueError):
        return False
    return b"Origin: Debian" in head and b"Label: Debian\n" in head


def choose(suite: str) -> str:
    """The archive to take `suite` from. Raises StandError when none answers."""
    override = os.environ.get("UVLOCK2NIX_STAND_MIRROR", "").rstrip("/")
    candidates = (override,) if override else configured()
    for uri in candidates:
        if has_suite(uri, suite):
            return uri
    tried = ", ".join(candidates) or "none configured"
    raise StandError(
        f"no Debian archive with the suite {suite!r} answers (tried: {tried})",
        "check the network, or name a Debian mirror: UVLOCK2NIX_STAND_MIRROR=http://…/debian",
    )
