"""Differences between text files, by line; between RECORDs, by row."""

from __future__ import annotations

import csv
import difflib
import posixpath
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from uvlock2nix.verify.model import Cause, Condition, Evidence
from uvlock2nix.verify.strings import around, evidence, reordered

_MOST_LINES: Final = 2000  # maximum number of lines to align
_MOST: Final = 20  # maximum number of reported differences


def text_evidence(first: str, second: str, conditions: Sequence[Condition] = ()) -> tuple[Evidence, ...]:
    """The differences between two texts, one line each."""
    ours, theirs = first.split("\n"), second.split("\n")
    # The last item of a list has no comma, so equal words need not mean equal lines.
    if len(ours) > 1 and (Counter(ours) == Counter(theirs) or reordered(first, second)):
        number = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
        return (Evidence(f"line {number + 1}", "order", *around(ours[number], theirs[number])),)
    found: list[Evidence] = []
    for number, one, other in _pairs(ours, theirs):
        if len(found) == _MOST:
            break
        found.append(evidence(f"line {number + 1}", one, other, conditions))
    return tuple(found)


def _pairs(ours: list[str], theirs: list[str]) -> Iterator[tuple[int, str, str]]:
    """(line number, line, line) for each pair that differs; "" if the other text has no such line."""
    start = 0
    while start < min(len(ours), len(theirs)) and ours[start] == theirs[start]:
        start += 1
    end = 0
    while end < min(len(ours), len(theirs)) - start and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    ours, theirs = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
    if len(ours) == len(theirs) or max(len(ours), len(theirs)) > _MOST_LINES:
        blocks = [(0, len(ours), 0, len(theirs))]
    else:
        matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=True)
        blocks = [(a, b, c, d) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"]
    for low, high, other_low, other_high in blocks:
        for step in range(max(high - low, other_high - other_low)):
            one = ours[low + step] if low + step < high else ""
            other = theirs[other_low + step] if other_low + step < other_high else ""
            if one != other:
                yield start + low + step, one, other


def record_evidence(
    path: str, first: str, second: str, differing: Collection[str], conditions: Sequence[Condition] = ()
) -> tuple[Evidence, ...]:
    """The differences between two RECORDs at ``path``; rows of ``differing`` files follow from these.

    https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
    """
    ours, theirs = _rows(first), _rows(second)
    if ours is None or theirs is None:
        return text_evidence(first, second, conditions)
    if ours == theirs:
        found = text_evidence(first, second, conditions)
        return tuple(Evidence(one.where, "order", one.first, one.second) for one in found)
    site = posixpath.dirname(posixpath.dirname(path))
    told: list[Evidence] = []
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ",".join(ours.get(name, ())), ",".join(theirs.get(name, ()))
        if one == other or len(told) == _MOST:
            continue
        file = posixpath.normpath(posixpath.join(site, name))
        cause: Cause = "record" if file in differing else "content"
        told.append(Evidence(around(f"row of {name}", "")[0], cause, *around(one, other)))
    return tuple(told)


def _rows(text: str) -> dict[str, tuple[str, ...]] | None:
    """Path → all its fields; None if it is not a RECORD or lists a path twice."""
    try:
        rows = [tuple(row) for row in csv.reader(text.splitlines()) if row]
    except csv.Error:
        return None
    by_name = {row[0]: row for row in rows}
    return by_name if len(by_name) == len(set(rows)) else None
