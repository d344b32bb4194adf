"""The time that holds back build requirements: near the sdist's own, and such that it can be built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from uvlock2nix.digest import parse_time
from uvlock2nix.errors import InputError
from uvlock2nix.lock.spans import parse_span
from uvlock2nix.regex import regex

if TYPE_CHECKING:
    from datetime import datetime

RELEASED: Final[Mapping[int, str]] = {
    9: "2020-10-05", 10: "2021-10-04", 11: "2022-10-24", 12: "2023-10-02", 13: "2024-10-07", 14: "2025-10-07",
    15: "2026-10-01",
}  # fmt: skip
"""Minor of Python 3 → the day of its first release: older build backends do not run on it."""

# Without a time zone uv takes the end of the day, whatever time follows.
_DAY: Final = regex(r"(\d{4})-?(\d\d)-?(\d\d)(?:[Tt ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?)?\Z")


class Limits(NamedTuple):
    """``fixed`` is the user's time for all builds, ``latest`` the upper bound.

    ``now``: nothing is to be held back, and ``latest`` is the present. Then files without a time count too;
    uv ignores these as soon as it gets any time, and many indexes have none.
    """

    latest: datetime
    fixed: datetime | None = None
    now: bool = False


def limits(now: datetime, uv_exclude_newer: str | None, own: str | None) -> Limits:
    """The limits from ``[tool.uv] exclude-newer`` (a time, a date or a span) and our own ``exclude-newer``.

    Raises:
        InputError: uv's setting is invalid.
    """
    latest = now
    if uv_exclude_newer:
        latest = min(now, _moment(uv_exclude_newer, now))
    return Limits(latest, parse_time(own) if own else None, now=not uv_exclude_newer)


def _moment(text: str, now: datetime) -> datetime:
    from datetime import timedelta

    if (span := parse_span(text)) is not None:
        return span.before(now)
    if (match := _DAY.match(text)) is not None:
        day = parse_time("-".join(match.groups()))
        if day is not None:
            return day + timedelta(days=1) if day.year < 9999 else day
    elif (moment := parse_time(text)) is not None:
        return moment
    raise InputError(
        f"[tool.uv] exclude-newer: {text[:60]!r} is not a time, a date or a span",
        hint='write it as "2026-11-20T00:00:00Z" or "1 week"',
    )


def attempts(uploaded: str | None, minor: int, limits: Limits) -> tuple[datetime, ...]:
    """The times to try, in order.

    The first is the sdist's: its upload, or, if the target's Python (3.``minor``) is younger, the release of
    that Python. The last is the latest possible, and the only one if nothing is known.
    """
    if limits.fixed is not None:
        return (limits.fixed,)
    moment = parse_time(uploaded) if uploaded else None
    if moment is None:
        return (limits.latest,)
    released = parse_time(RELEASED[minor])
    first = min(limits.latest, max(moment, released) if released else moment)
    return tuple(dict.fromkeys((first, limits.latest)))


def written(moment: datetime) -> str:
    """The moment as RFC 3339 in UTC, to the second; fractions are rounded up."""
    from datetime import UTC, timedelta

    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
