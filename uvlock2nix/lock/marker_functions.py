"""Markers as functions of their variables, so that equal conditions are equal values.

Each variable is split into cells at the constants that any of the markers mentions; within a cell, no marker
changes. A marker is a decision diagram over the cells, reduced and shared, so that equal functions have equal
numbers. uv compares markers in the same way, whatever their text. Pythons outside requires-python do not
count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from uvlock2nix.lock.markers import (
    VERSION_VARIABLES,
    Both,
    Comparison,
    Either,
    Extra,
    Marker,
    MarkerError,
    Membership,
    evaluate_comparison,
    parse_marker,
)
from uvlock2nix.names import canonicalize_name

FALSE: Final = 0
TRUE: Final = 1
MAX_NODES: Final = 200_000
_PYTHON: Final = "python_full_version"
_OTHER: Final = "\N{REPLACEMENT CHARACTER}"
_SYSTEMS: Final = {
    "Windows": "win32", "Darwin": "darwin", "Linux": "linux", "AIX": "aix", "Emscripten": "emscripten",
    "Android": "android",
}  # fmt: skip
_MINORS: Final = tuple(Version(f"3.{minor}") for minor in range(40))


class MarkerFunctions:
    """Numbers for markers, equal if the markers hold in the same environments."""

    def __init__(self, markers: Iterable[str], requires_python: str) -> None:
        """``markers``: all texts that will be looked up. Raises MarkerError if one cannot be read."""
        parsed = {text: parse_marker(text) for text in set(markers) if text}
        constants: dict[str, set[str]] = {}
        for marker in parsed.values():
            for atom in _comparisons(marker):
                constants.setdefault(_axis(atom.variable), set()).add(atom.value)
        self._cells = {name: tuple(_cells(name, values)) for name, values in constants.items()}
        if _PYTHON in self._cells:
            admitted = SpecifierSet(requires_python)
            kept = (one for one in self._cells[_PYTHON] if admitted.contains(one, prereleases=True))
            self._cells[_PYTHON] = tuple(kept) or self._cells[_PYTHON]
        self._order = {name: number for number, name in enumerate(sorted(self._cells))}
        self._nodes: list[tuple[str, tuple[int, ...]]] = [("", ()), ("", ())]
        self._unique: dict[tuple[str, tuple[int, ...]], int] = {}
        self._joined: dict[tuple[bool, int, int], int] = {}
        self._known = {"": TRUE}
        self._parsed = parsed

    def of(self, text: str) -> int:
        """The number of a marker's text (``""`` always holds)."""
        known = self._known.get(text)
        if known is None:
            built = self._build(self._parsed[text])
            # As in uv, a meaningless comparison is ignored, and an empty marker always holds.
            known = self._known[text] = TRUE if built is None else built
        return known

    def with_extra(self, number: int, extra: str) -> int:
        """The number of the marker and ``extra == 'name'``."""
        return self.both(number, self._node(f"extra {canonicalize_name(extra)}", (FALSE, TRUE)))

    def both(self, left: int, right: int) -> int:
        """The number of the conjunction."""
        return self._join(True, left, right)

    def either(self, left: int, right: int) -> int:
        """The number of the disjunction."""
        return self._join(False, left, right)

    def negated(self, number: int) -> int:
        """The number of the negation."""
        if number in (FALSE, TRUE):
            return 1 - number
        name, children = self._nodes[number]
        return self._node(name, tuple(self.negated(child) for child in children))

    def _build(self, marker: Marker) -> int | None:
        match marker:
            case Both(parts) | Either(parts):
                built = [number for part in parts if (number := self._build(part)) is not None]
                join = self.both if isinstance(marker, Both) else self.either
                return _fold(join, built)
            case Extra(name, negated):
                return self._node(
                    f"extra {canonicalize_name(name)}", (TRUE, FALSE) if negated else (FALSE, TRUE)
                )
            case Membership():
                raise MarkerError("uses extras or dependency groups")
            case Comparison():
                return self._compare(_same_to_uv(marker))

    def _compare(self, atom: Comparison) -> int | None:
        name = _axis(atom.variable)
        try:
            holds = [
                evaluate_comparison(atom, _environment(atom.variable, cell)) for cell in self._cells[name]
            ]
        except MarkerError:
            return None
        return self._node(name, tuple(TRUE if one else FALSE for one in holds))

    def _node(self, name: str, children: tuple[int, ...]) -> int:
        if len(set(children)) == 1:
            return children[0]
        found = self._unique.get((name, children))
        if found is None:
            if len(self._nodes) >= MAX_NODES:
                raise MarkerError("is part of a set of markers that is too large to compare")
            found = self._unique[name, children] = len(self._nodes)
            self._nodes.append((name, children))
        return found

    def _rank(self, number: int) -> tuple[int, str]:
        name = self._nodes[number][0]
        return (self._order.get(name, len(self._order)), name) if number > TRUE else (1 << 30, "")

    def _join(self, both: bool, left: int, right: int) -> int:
        stop, pass_on = (FALSE, TRUE) if both else (TRUE, FALSE)
        if stop in (left, right):
            return stop
        if left in (pass_on, right):
            return right
        if right == pass_on:
            return left
        key = (both, min(left, right), max(left, right))
        known = self._joined.get(key)
        if known is None:
            first = min(self._rank(left), self._rank(right))
            parts = [self._children(number, first) for number in (left, right)]
            pairs = _spread(*parts)
            known = self._node(first[1], tuple(self._join(both, one, other) for one, other in pairs))
            self._joined[key] = known
        return known

    def _children(self, number: int, first: tuple[int, str]) -> tuple[int, ...]:
        """The node's children if it tests the first variable, else the node itself for every cell."""
        return self._nodes[number][1] if self._rank(number) == first else (number,)


def _spread(left: tuple[int, ...], right: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    width = max(len(left), len(right))
    return zip(
        left if len(left) > 1 else left * width, right if len(right) > 1 else right * width, strict=True
    )


def _fold(join: Callable[[int, int], int], numbers: list[int]) -> int | None:
    if not numbers:
        return None
    total = numbers[0]
    for number in numbers[1:]:
        total = join(total, number)
    return total


def _axis(variable: str) -> str:
    """The variable that is split into cells: both Python variables are one, as in uv."""
    return _PYTHON if variable == "python_version" else variable


def _comparisons(marker: Marker) -> Iterator[Comparison]:
    match marker:
        case Both(parts) | Either(parts):
            for part in parts:
                yield from _comparisons(part)
        case Comparison():
            yield _same_to_uv(marker)


def _same_to_uv(atom: Comparison) -> Comparison:
    """As uv writes it: ``platform_system`` as ``sys_platform`` if the values are equivalent."""
    if atom.variable != "platform_system" or atom.value not in _SYSTEMS:
        return atom
    return replace(atom, variable="sys_platform", value=_SYSTEMS[atom.value])


def _cells(name: str, constants: Iterable[str]) -> Iterator[str]:
    """A value in each cell."""
    if name not in VERSION_VARIABLES:
        # `sys_platform in 'linux darwin'` tests for substrings.
        yield from sorted({*constants, *(word for text in constants for word in text.split()), _OTHER})
        return
    points = set(_MINORS) | {version for text in constants for version in _versions(text)}
    for point in sorted(points):
        yield str(point)
        if not point.is_prerelease:
            # Above this release and below the next one mentioned.
            padded = (*point.release, 0, 0, 0)[: max(3, len(point.release))]
            yield ".".join(map(str, (*padded, 1)))


def _versions(text: str) -> Iterator[Version]:
    for word in text.replace(",", " ").replace("|", " ").split():
        try:
            version = Version(word.removesuffix(".*"))
        except ValueError:
            continue
        yield version
        # `3.11.*` ends where 3.12 begins, as does `~=3.11.2`.
        if len(version.release) > 1:
            *head, last = version.release
            yield Version(".".join(map(str, (*head, last + 1))))


def _environment(variable: str, cell: str) -> Mapping[str, str]:
    if variable == "python_version":
        return {variable: ".".join(map(str, (*Version(cell).release, 0)[:2]))}
    return {variable: cell}
