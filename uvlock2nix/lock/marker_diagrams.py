"""Markers for an environment, as canonical decision diagrams over the extras that are not yet known.

uv writes declared conflicts as ``extra == 'extra-<length>-<package>-<extra>'`` (likewise ``group-…`` and
``project-…``). For a given environment, everything else in a marker is known, so what is left is a Boolean
function of such names. A reduced ordered decision diagram keeps equal functions equal, by which the
resolver's first pass notices that a package has become reachable under more conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import assert_never

from uvlock2nix.lock.markers import (
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

FALSE = 0
TRUE = 1
MAX_NODES = 200_000
"""Far more than any lock needs; a malicious marker ends in an error instead of exhausting memory."""

MAX_VARIABLES = 500
"""Extras and groups in all markers together, which is also the depth of the recursion."""


def extra_item(package: str, extra: str) -> str:
    """uv's name for an active extra inside markers."""
    return f"extra-{len(package.encode())}-{package}-{extra}"


def group_item(package: str, group: str) -> str:
    """uv's name for an active dependency group inside markers."""
    return f"group-{len(package.encode())}-{package}-{group}"


def project_item(package: str) -> str:
    """uv's name for an active project (its own dependencies) inside markers."""
    return f"project-{len(package.encode())}-{package}"


class Conditions:
    """Diagrams for one environment. A diagram is a number; ``FALSE`` and ``TRUE`` are the constants."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        extras: Collection[str] = (),
        groups: Collection[str] = (),
        max_nodes: int = MAX_NODES,
    ) -> None:
        """``extras`` and ``groups`` are the contents of PEP 751's collections, unused in uv's own locks."""
        self._environment = environment
        self._max_nodes = max_nodes
        self._collections = {"extras": frozenset(extras), "dependency_groups": frozenset(groups)}
        self._nodes: list[tuple[int, int, int]] = [(1 << 30, 0, 0), (1 << 30, 1, 1)]
        self._unique: dict[tuple[int, int, int], int] = {}
        self._variables: dict[str, int] = {}
        self._names: list[str] = []
        self._compiled: dict[str, int] = {"": TRUE}
        self._comparisons: dict[Comparison, int] = {}
        self._joined: dict[tuple[bool, int, int], int] = {}

    def compile(self, text: str) -> int:
        """The diagram of a marker's text (``""`` always holds). Raises MarkerError."""
        known = self._compiled.get(text)
        if known is None:
            known = self._compiled[text] = self._build(parse_marker(text))
        return known

    def both(self, left: int, right: int) -> int:
        """The diagram of ``left and right``."""
        return self._join(True, left, right)

    def either(self, left: int, right: int) -> int:
        """The diagram of ``left or right``."""
        return self._join(False, left, right)

    def holds(self, diagram: int, active: Collection[str], more: Collection[str] = ()) -> bool:
        """Whether ``diagram`` is true if exactly the items of ``active`` and ``more`` are active."""
        nodes, names = self._nodes, self._names
        while diagram > 1:
            variable, low, high = nodes[diagram]
            name = names[variable]
            diagram = high if name in active or name in more else low
        return diagram == TRUE

    def evaluate(self, text: str, active: Collection[str] = ()) -> bool:
        """Whether the marker holds if exactly ``active`` is active. Raises MarkerError."""
        return self.holds(self.compile(text), active)

    def possible(self, text: str) -> bool:
        """Whether the marker can hold, whatever extras are active. Raises MarkerError."""
        return self.compile(text) != FALSE

    def _build(self, marker: Marker) -> int:
        match marker:
            case Comparison():
                known = self._comparisons.get(marker)
                if known is None:
                    known = int(evaluate_comparison(marker, self._environment))
                    self._comparisons[marker] = known
                return known
            case Extra():
                variable = self._variable(marker.name)
                return (
                    self._node(variable, TRUE, FALSE) if marker.negated else self._node(variable, FALSE, TRUE)
                )
            case Membership():
                return int((marker.name in self._collections[marker.collection]) != marker.negated)
            case Both():
                return self._fold(marker.parts, TRUE, self.both)
            case Either():
                return self._fold(marker.parts, FALSE, self.either)
            case _:
                assert_never(marker)

    def _variable(self, name: str) -> int:
        known = self._variables.get(name)
        if known is None:
            if len(self._names) >= MAX_VARIABLES:
                raise MarkerError(f"and the others have more than {MAX_VARIABLES} extras and groups")
            known = self._variables[name] = len(self._names)
            self._names.append(name)
        return known

    def _fold(self, parts: tuple[Marker, ...], start: int, join: Callable[[int, int], int]) -> int:
        """Join all parts; ``start`` is the neutral element, its opposite absorbs.

        From last to first: names are numbered in order of appearance, so a later part is below an earlier one
        and each step touches only the top.
        """
        built = []
        for part in parts:
            diagram = self._build(part)
            if diagram == 1 - start:
                return diagram
            built.append(diagram)
        result = start
        for diagram in reversed(built):
            result = join(diagram, result)
        return result

    def _node(self, variable: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (variable, low, high)
        known = self._unique.get(key)
        if known is None:
            if len(self._nodes) >= self._max_nodes:
                raise MarkerError("is too complex together with the others")
            known = self._unique[key] = len(self._nodes)
            self._nodes.append(key)
        return known

    def _join(self, conjunction: bool, left: int, right: int) -> int:
        neutral = TRUE if conjunction else FALSE
        if left == right or right == neutral:
            return left
        if left == neutral:
            return right
        if left <= 1 or right <= 1:
            return 1 - neutral
        key = (conjunction, left, right) if left < right else (conjunction, right, left)
        known = self._joined.get(key)
        if known is None:
            if len(self._joined) >= 10 * self._max_nodes:
                raise MarkerError("is too complex together with the others")
            variable_l, low_l, high_l = self._nodes[left]
            variable_r, low_r, high_r = self._nodes[right]
            variable = min(variable_l, variable_r)
            if variable < variable_l:
                low_l = high_l = left
            if variable < variable_r:
                low_r = high_r = right
            known = self._node(
                variable, self._join(conjunction, low_l, low_r), self._join(conjunction, high_l, high_r)
            )
            self._joined[key] = known
        return known
