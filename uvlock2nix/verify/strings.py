"""Find why two texts differ: mask one kind of content in both; if that makes them equal, it is the cause."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from uvlock2nix.printable import printable
from uvlock2nix.regex import regex
from uvlock2nix.verify.model import Cause, Condition, Evidence

SHOWN: Final = 120  # characters of each side
_LONGEST: Final = 1 << 16  # characters to compare: a minified file is one line
_MARK: Final = "\0"

_STORE_PATH: Final = regex(r"/nix/store/[a-z0-9]{32}-[\w.+?=-]+")
# At least two components, not in a URL or a relative path; compilers join -I and the path.
_ABSOLUTE: Final = regex(
    r"(?:(?<![\w:/.~-])|(?<=-[ILB]))/[\w.+@%~=-]+(?:/[\w.+@%~=-]*)+|(?<![\w:/.~-])/(?:build|tmp)(?![\w.-])"
)
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_TIME: Final = regex(
    r"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?"
    rf"(?:\b\d{{1,2}}[ -]{_MONTH}[ -]\d{{4}}|\b{_MONTH}\s+\d{{1,2}},?(?:\s+\d\d:\d\d:\d\d)?\s+\d{{4}})"
    r"|\b(?:19|20)\d\d[-/](?:0\d|1[0-2])[-/](?:[0-2]\d|3[01])(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?"
    r"|(?<![\d:])(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?![\d:])"
    r"|(?<![\d.])20\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:T?\d{6}Z?)?(?![\d.])"
    # Seconds since 1970, with fractions, or in milliseconds and smaller, from 2001 to 2033.
    r"|(?<![\d.\w])1\d{9}(?:\.\d+)?(?![\d.\w])|(?<![\d.\w])1\d{12}(?:\d{3}){0,2}(?![\d.\w])"
)
_RANDOM: Final = regex(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b0x[0-9a-f]+\b|\b[0-9a-f]{8,}\b|\.?\btmp[-_]?\w{6,10}\b|\b\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])",
    re.IGNORECASE,
)
_GENERATOR: Final = regex(
    r"^\W*(?:Generator|Created-By|Build-Tool|Metadata-Version|Wheel-Version)\s*:"
    r"|\b(?:auto-?)?(?:generated|created|built|compiled)\s+(?:by|with)\b"
    r"|\bGCC: \(|\bGNU (?:C|C\+\+|AS|Fortran)\w* ?\d|\bclang version\b|\brustc version\b|\bLinker: ",
    re.IGNORECASE,
)
_VERSION: Final = regex(r"\d+(?:\.\d+)+[\w.+-]*|\(.*\)|\b\d+\b")
_TOKEN: Final = regex(r"[\w.@+-]+")

Mask = Callable[[str], str]


def _masked(pattern: re.Pattern[str], name: str) -> Mask:
    return lambda text: pattern.sub(_MARK + name, text)


_MASKS: Final[tuple[tuple[Cause, Mask], ...]] = (
    ("store-path", _masked(_STORE_PATH, "s")),
    ("timestamp", _masked(_TIME, "t")),
    ("build-path", _masked(_ABSOLUTE, "p")),
    ("random", _masked(_RANDOM, "r")),
)


def cause_of(first: str, second: str, conditions: Sequence[Condition] = ()) -> Cause:
    """The cause of the difference between two short texts (a line, a string of a section); "content" when
    unknown.

    ``conditions``: known differences between the builds, tried before all patterns.
    """
    first, second = first[:_LONGEST], second[:_LONGEST]
    if first == second:
        return "content"
    for condition in conditions:
        if _with(first, condition.first) == _with(second, condition.second):
            return condition.cause
    if _GENERATOR.search(first) and _GENERATOR.search(second) and _by_tool(first) == _by_tool(second):
        return "generator"
    for cause, mask in _MASKS:
        if mask(first) == mask(second):
            return cause
    if reordered(first, second):
        return "order"
    if _GENERATOR.search(first) and _GENERATOR.search(second):
        return "generator"
    return _several(first, second)


def reordered(first: str, second: str) -> bool:
    """Whether two texts have the same words, equally often, in a different order."""
    ours, theirs = _TOKEN.findall(first), _TOKEN.findall(second)
    return ours != theirs and Counter(ours) == Counter(theirs)


def _by_tool(text: str) -> str:
    return _VERSION.sub(_MARK, text)


def _several(first: str, second: str) -> Cause:
    """Combine all masks: if together they make both texts equal, the first one that is necessary."""
    if _all_masks(first, "content") != _all_masks(second, "content"):
        return "content"
    needed = (cause for cause, _ in _MASKS if _all_masks(first, cause) != _all_masks(second, cause))
    return next(needed, "random")


def _all_masks(text: str, without: Cause) -> str:
    for cause, mask in _MASKS:
        if cause != without:
            text = mask(text)
    return text


def _with(text: str, value: str) -> str:
    """``text`` with the known value masked: numbers only as a whole, others anywhere."""
    if not value:
        return text
    pattern = rf"(?<![\d.]){value}(?![\d.])" if value.isdigit() else re.escape(value)
    return re.sub(pattern, _MARK + "c", text)


def evidence(where: str, first: str, second: str, conditions: Sequence[Condition] = ()) -> Evidence:
    """The difference between two texts, with its context."""
    return Evidence(where, cause_of(first, second, conditions), *around(first, second))


def around(first: str, second: str) -> tuple[str, str]:
    """Both texts, printable; long texts are cut to the part where they start to differ."""
    if max(len(first), len(second)) > SHOWN:
        first, second = first[:_LONGEST], second[:_LONGEST]
        same = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), 0)
        start = max(same - SHOWN // 3, 0)
        before = "…" if start else ""
        first, second = before + first[start:], before + second[start:]
    return printable(first, SHOWN), printable(second, SHOWN)
