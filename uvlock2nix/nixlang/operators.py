"""Operators: precedence, parentheses, and merging of neighbouring texts.

https://nix.dev/manual/nix/stable/language/operators
"""

from __future__ import annotations

from typing import Final

from uvlock2nix.nixlang.tree import Apply, Assert, Binary, Expr, Func, If, Let, Not, Select

OPERATORS: Final = frozenset(["+", "++", "//", "==", "!=", "&&", "||", "->"])
ASSOCIATIVE: Final = frozenset(["++", "&&", "||"])


def chain(expr: Binary) -> list[Expr]:
    """The operands of ``a ++ b ++ c``, however it is nested."""
    if expr.operator not in ASSOCIATIVE:
        return [expr.left, expr.right]
    found: list[Expr] = []
    for side in (expr.left, expr.right):
        same = isinstance(side, Binary) and side.operator == expr.operator
        found += chain(side) if same and isinstance(side, Binary) else [side]
    return found


def bracket(expr: Expr, text: str) -> str:
    """Put parentheses around an expression that needs them as an operand."""
    loose = isinstance(expr, Apply | Binary | Not | If | Let | Func | Assert)
    loose = loose or (isinstance(expr, Select) and expr.default is not None)
    return f"({text})" if loose else text


def grouped(outer: Binary, side: Expr, text: str) -> str:
    """Put parentheses around an operand whose operator does not bind tighter than ``outer``."""
    if isinstance(side, Apply) or (isinstance(side, Select) and side.default is None):
        return text
    if isinstance(side, Not) and _binds(outer.operator) <= _binds("//"):
        # `!` binds less tightly than `++` and `+`.
        return text
    if isinstance(side, Binary) and _binds(side.operator) > _binds(outer.operator):
        return text
    if isinstance(side, Binary) and side.operator == outer.operator in ASSOCIATIVE:
        return text
    return bracket(side, text)


def _binds(operator: str) -> int:
    """How tightly an operator binds; https://nix.dev/manual/nix/stable/language/operators."""
    return {"++": 6, "+": 5, "//": 4, "==": 3, "!=": 3, "&&": 2, "||": 1, "->": 0}[operator]


def operator(expr: Binary) -> str:
    """The operator of an operation; ValueError for one that Nix does not have."""
    if expr.operator not in OPERATORS:
        raise ValueError(f"not an operator: {expr.operator!r}")
    return expr.operator


def merged(parts: tuple[str | Expr, ...]) -> list[str | Expr]:
    """The parts with neighbouring texts as one: ``$`` and ``{`` must be escaped together."""
    merged: list[str | Expr] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return merged
