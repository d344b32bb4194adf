"""The digest of what deps depends on, which is in its name to prevent stale outputs; and its time.

32 hexadecimal digits: 16 for the environment (computed again inside deps, from its lock),
16 for everything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from uvlock2nix.artifacts import Choice
from uvlock2nix.layout import LAYOUT
from uvlock2nix.lock import Package, RegistrySource
from uvlock2nix.regex import regex

if TYPE_CHECKING:
    from datetime import datetime

HALF: Final = 16
_RFC3339: Final = regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z\Z")


def environment_digest(steps: Iterable[tuple[Package, Choice]], *, python: str, system: str) -> str:
    """The digest of the packages in deps and of the file of each.

    ``python`` is the minor version. The URL of a file does not count if its hash is known: a mirror has the
    same bytes.
    """
    entries = sorted((file_facts(package, choice) for package, choice in steps), key=json.dumps)
    return _digest({"layout": LAYOUT, "python": python, "system": system, "packages": entries})


def rest_digest(facts: Mapping[str, object]) -> str:
    """The digest of all other facts (JSON-like) that decide what is built: flags, constraints, times."""
    return _digest(facts)


def file_facts(package: Package, choice: Choice) -> list[object]:
    """The parts of a lock entry that decide what is built or installed, JSON-like."""
    artifact = choice.artifact
    if artifact is None:
        return [package.name, package.version]
    known = artifact.hash is not None and isinstance(package.source, RegistrySource)
    where = None if known else [artifact.url, artifact.path, str(package.source)]
    return [package.name, package.version, artifact.kind, artifact.filename, artifact.hash, where]


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HALF]


def hold_back(packages: Iterable[Package]) -> str | None:
    """The time that holds back build requirements: when the newest file of the environment was uploaded.

    Only the lock decides, so it is the same for everyone; ``None`` if the lock has no times.
    """
    times = {
        file.upload_time
        for one in packages
        for file in (one.sdist, *one.wheels)
        if file is not None and file.upload_time
    }
    if all(_RFC3339.match(text) for text in times):
        # All have the same format: compare as text, and parse only the greatest.
        newest = max(times, key=lambda text: text[:-1], default="")
        if (moment := parse_time(newest)) is not None:
            return _rfc3339(moment, newest)
    moments = [(moment, text) for text in sorted(times) if (moment := parse_time(text)) is not None]
    return _rfc3339(*max(moments)) if moments else None


def parse_time(text: str) -> datetime | None:
    """Parse an RFC 3339 time or a date (UTC by default); None if it is neither."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _rfc3339(moment: datetime, text: str) -> str:
    """The time as the lock spells it, if that is valid RFC 3339."""
    return text if _RFC3339.match(text) else moment.isoformat().replace("+00:00", "Z")
