"""Spans of time as uv's settings have them: ``7d``, ``1 week, 2 days ago``, ``1d 12:30:00``, ``P1WT5H``.

uv reads them with the crate jiff: ISO 8601 durations, and the format that jiff calls friendly (its module
``fmt::friendly``). Which of them uv takes was tried with uv 0.13.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from uvlock2nix.regex import regex

# The names of each unit and its nanoseconds, from the largest; uv refuses years and months.
_UNITS: Final = (
    ("weeks week wks wk w", 604_800_000_000_000),
    ("days day d", 86_400_000_000_000),
    ("hours hour hrs hr h", 3_600_000_000_000),
    ("minutes minute mins min m", 60_000_000_000),
    ("seconds second secs sec s", 1_000_000_000),
    ("milliseconds millisecond millis milli msecs msec ms", 1_000_000),
    ("microseconds microsecond micros micro usecs usec us µsecs µsec µs μsecs μsec μs", 1_000),
    ("nanoseconds nanosecond nanos nano nsecs nsec ns", 1),
)
_PLACES: Final = {name: place for place, (names, _) in enumerate(_UNITS) for name in names.split()}
_HOUR, _MINUTE, _SECOND = 2, 3, 4
_PART: Final = regex(r"(\d{1,12})(?:[.,](\d{1,9}))?\s*([a-zµμ]+)")
_CLOCK: Final = regex(r"(\d{1,9}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")
_BETWEEN: Final = regex(r",\s+|\s*")
_END: Final = regex(r"(\s+ago)?\s*\Z")
_ISO: Final = regex(r"p((?:\d{1,12}[wd])*)(?:t((?:\d{1,12}(?:[.,]\d{1,9})?[hms])+))?\Z")
_ISO_PART: Final = regex(r"(\d+)(?:[.,](\d+))?([wdhms])")


class Span(NamedTuple):
    """A span as uv compares it: ``PT24H`` is not ``P1D``. Seconds and less are nanoseconds together."""

    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    nanoseconds: int = 0
    negative: bool = False

    def before(self, moment: datetime) -> datetime:
        """The moment less this span, whose sign uv ignores; at the earliest, the beginning of year 1."""
        counts = zip(self[:_SECOND], _UNITS, strict=False)
        total = self.nanoseconds + sum(count * length for count, (_, length) in counts)
        try:
            return moment - timedelta(microseconds=total // 1_000)
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)


def parse_span(text: str) -> Span | None:
    """The span, or None for what uv takes for none (years, months and ``1.5d`` among it)."""
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if rest[:1] in ("P", "p"):
        parts = _iso(rest.lower())
        ago = False
    else:
        parts, end = _friendly(rest)
        closing = _END.match(rest, end)
        ago = closing is not None and closing[1] is not None
        if closing is None or (ago and sign):
            return None
    span = _sum(parts)
    return span and span._replace(negative=(ago or sign == "-") and any(span[:5]))


_Part = tuple[int, int, str]


def _iso(text: str) -> list[_Part]:
    """Count, place of the unit and digits of the fraction of each part."""
    if (match := _ISO.match(text)) is None:
        return []
    return [
        (int(count), _PLACES[letter], fraction)
        for part in match.groups()
        for count, fraction, letter in _ISO_PART.findall(part or "")
    ]


def _friendly(text: str) -> tuple[list[_Part], int]:
    """The parts that the text begins with, and where they end."""
    parts: list[_Part] = []
    end = at = 0
    while True:
        if (clock := _CLOCK.match(text, at)) is not None:
            hours, minutes, seconds, fraction = clock.groups(default="")
            parts += [(int(hours), _HOUR, ""), (int(minutes), _MINUTE, ""), (int(seconds), _SECOND, fraction)]
            return parts, clock.end()
        if (part := _PART.match(text, at)) is None or part[3] not in _PLACES:
            return parts, end
        parts.append((int(part[1]), _PLACES[part[3]], part[2] or ""))
        end = part.end()
        at = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]  # it matches the empty text


def _sum(parts: list[_Part]) -> Span | None:
    """The span, if the units come from the largest to the smallest, and only the last has a fraction."""
    places = [place for _, place, _ in parts]
    if not parts or any(one >= other for one, other in pairwise(places)):
        return None
    if any(fraction for _, _, fraction in parts[:-1]) or (parts[-1][2] and places[-1] < _HOUR):
        return None
    counts = [0] * len(_UNITS)
    for count, place, fraction in parts:
        counts[place] = count
        left = int(fraction or 0) * _UNITS[place][1] // 10 ** len(fraction)
        # As jiff has it, half an hour is 30 minutes.
        for smaller in range(place + 1, len(_UNITS)):
            more, left = divmod(left, _UNITS[smaller][1])
            counts[smaller] += more
    below = zip(counts[_SECOND:], _UNITS[_SECOND:], strict=True)
    weeks, days, hours, minutes = counts[:_SECOND]
    return Span(weeks, days, hours, minutes, sum(count * length for count, (_, length) in below))
