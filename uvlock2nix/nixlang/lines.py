"""Expressions on one line, and nixfmt's rules on where lines break.

https://github.com/NixOS/nixfmt/blob/master/standard.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, assert_never

from uvlock2nix.nixlang.operators import bracket, grouped, operator
from uvlock2nix.nixlang.strings import STEP, plain_string
from uvlock2nix.nixlang.tree import (
    Apply,
    Assert,
    AttrSet,
    Binary,
    Expr,
    Func,
    If,
    Inherit,
    Item,
    Let,
    List,
    Not,
    Path,
    Select,
    Str,
    Text,
    Var,
)
from uvlock2nix.nixlang.words import attr_name, identifier, path

WIDTH: Final = 100
# A function with more named parameters is never on one line.
_PARAMETERS: Final = 2
# Longer lists of inherited names have a line per name.
_INHERITED: Final = 3


Inner: TypeAlias = Callable[[Expr], str]


def on_line(expr: Expr, inner: Inner) -> str | None:
    """The expression on one line, or ``None`` if it must not be; ``inner`` renders interpolations."""
    match expr:
        case Var() | Path() | bool() | int() | None:
            return _word(expr)
        case Str():
            return plain_string(expr, inner)
        case List(items, broken):
            return _list(items, inner, broken=broken)
        case AttrSet():
            return _attrset(expr)
        case Select():
            return _select(expr, inner)
        case Apply(function, arguments):
            return _joined([atom_on_line(part, inner) for part in (function, *arguments)])
        case Binary(_, left, right):
            sides = [(on_line(side, inner), side) for side in (left, right)]
            texts = [None if text is None else grouped(expr, side, text) for text, side in sides]
            return None if None in texts else f"{texts[0]} {operator(expr)} {texts[1]}"
        case Not(negated):
            text = atom_on_line(negated, inner)
            return None if text is None else f"!{text}"
        case If() | Func():
            return _whole(expr, inner)
        case Assert() | Let() | Text():
            return None
        case _:
            assert_never(expr)


def atom_on_line(expr: Expr, inner: Inner) -> str | None:
    """The same as an argument or element, in parentheses if needed."""
    text = on_line(expr, inner)
    return None if text is None else bracket(expr, text)


def _word(expr: Var | Path | bool | int | None) -> str:
    match expr:
        case Var(name):
            return identifier(name)
        case bool():
            return "true" if expr else "false"
        case int():
            return str(expr) if expr >= 0 else f"({expr})"
        case None:
            return "null"
        case Path():
            return path(expr.up, expr.parts)
        case _:
            assert_never(expr)


def _joined(parts: Sequence[str | None]) -> str | None:
    return None if None in parts else " ".join(part for part in parts if part)


def _whole(expr: If | Func, inner: Inner) -> str | None:
    """An `if` without a nested one, or a function of one or two named parameters."""
    match expr:
        case If(condition, then, otherwise):
            if isinstance(otherwise, If):
                return None
            texts = [on_line(part, inner) for part in (condition, then, otherwise)]
            return None if None in texts else f"if {texts[0]} then {texts[1]} else {texts[2]}"
        case Func(str() as name, body) if _depth(expr) <= _PARAMETERS:
            text = on_line(body, inner)
            return None if text is None else f"{identifier(name)}: {text}"
        case _:
            return None


def _list(items: tuple[Item, ...], inner: Inner, *, broken: bool) -> str | None:
    if not items:
        return "[ ]"
    # A single element stays on the line of its brackets; several have a line each.
    if broken or len(items) > 1 or items[0].comment:
        return None
    text = atom_on_line(items[0].expr, inner)
    return None if text is None else f"[ {text} ]"


def _attrset(expr: AttrSet) -> str | None:
    match expr:
        case AttrSet((), False):
            return "{ }"
        case AttrSet((Inherit(names, None, ""),), False) if len(names) <= _INHERITED:
            return f"{{ inherit {' '.join(map(attr_name, names))}; }}"
        case _:
            return None


def _select(expr: Select, inner: Inner) -> str | None:
    if expr.default is None:
        return selected(expr, inner)
    default = atom_on_line(expr.default, inner)
    return None if default is None else f"{selected(expr, inner)} or {default}"


def _depth(expr: Expr) -> int:
    """The number of curried parameters of a function."""
    return 1 + _depth(expr.body) if isinstance(expr, Func) and isinstance(expr.formals, str) else 0


def selected(expr: Select, inner: Inner) -> str:
    """A selection without its default, on one line."""
    head = inner(expr.expr)
    if not isinstance(expr.expr, Var | Select | AttrSet | Str) or (
        isinstance(expr.expr, Select) and expr.expr.default is not None
    ):
        head = f"({head})"
    steps = (attr_name(part) if isinstance(part, str) else "${" + inner(part) + "}" for part in expr.path)
    return ".".join([head, *steps])


def is_simple(expr: Expr) -> bool:
    """Whether it never needs a line break: a name, a string, or one applied to at most two of these."""
    match expr:
        case Var() | Str() | Text() | Path() | int():
            return True
        case None:
            return True
        case Select(inner, path, None):
            return is_simple(inner) and all(isinstance(part, str) for part in path)
        case Apply(function, arguments):
            return len(arguments) <= 2 and all(is_simple(part) for part in (function, *arguments))
        case _:
            return False


def is_absorbed(expr: Expr) -> bool:
    """Whether a broken expression starts on the current line: a set, a list, an indented string."""
    match expr:
        case AttrSet(binds):
            return bool(binds)
        case List(items):
            return bool(items)
        case Text(parts):
            return any(isinstance(part, str) and "\n" in part for part in parts)
        case Func(str(), body):
            return is_absorbed(body)
        case _:
            return False


def inherited(names: tuple[str, ...], source: Expr, indent: str, inner: Inner) -> list[str]:
    """``inherit (source) names;`` on one line, or with a line per name."""
    origin = f" ({inner(source)})" if source is not None else ""
    listed = [attr_name(name) for name in names]
    line = f"inherit{origin} {' '.join(listed)};"
    if len(listed) <= _INHERITED and len(line) <= WIDTH:
        return [f"{indent}{line}"]
    return [f"{indent}inherit{origin}", *(f"{indent}{STEP}{name}" for name in (*listed, ";"))]
