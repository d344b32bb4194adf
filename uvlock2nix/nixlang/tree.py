"""The expression tree: a closed set of immutable values.

They are distinguished by their classes, never compared: ``Str(("a",)) == Text(("a",))``, as they are tuples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias


class Var(NamedTuple):
    """A variable; ``name`` must be an identifier."""

    name: str


class Str(NamedTuple):
    """A string ``"…"``; its parts are literal text or expressions to interpolate."""

    parts: tuple[str | Expr, ...]


class Text(NamedTuple):
    """An indented string ``''…''``, for shell text; lines are separated by newlines in the parts."""

    parts: tuple[str | Expr, ...]


class Path(NamedTuple):
    """A path literal relative to the file, as ``../uv.lock``; every part is a file name."""

    up: int
    parts: tuple[str, ...]


class Item(NamedTuple):
    """An element of a list, with a comment at the end of its line."""

    expr: Expr
    comment: str = ""


class List(NamedTuple):
    """A list; ``broken`` puts each element on a line of its own."""

    items: tuple[Item, ...]
    broken: bool = False


class Bind(NamedTuple):
    """``name.name = expr;`` , with a comment above it."""

    path: tuple[str, ...]
    expr: Expr
    comment: str = ""
    blank_before: bool = False


class Inherit(NamedTuple):
    """``inherit (source) names;``."""

    names: tuple[str, ...]
    source: Expr | None = None
    comment: str = ""
    blank_before: bool = False


class AttrSet(NamedTuple):
    """An attribute set."""

    binds: tuple[Bind | Inherit, ...]
    rec: bool = False


class Formal(NamedTuple):
    """An argument of a function that takes a set; without a ``default`` it is required."""

    name: str
    default: Expr | None = None
    comment: str = ""


class Func(NamedTuple):
    """``{ a, b ? c }: body`` or, with a name alone, ``a: body``."""

    formals: tuple[Formal, ...] | str
    body: Expr
    ellipsis: bool = False


class Let(NamedTuple):
    """``let … in body``."""

    binds: tuple[Bind | Inherit, ...]
    body: Expr


class Apply(NamedTuple):
    """A function applied to arguments."""

    function: Expr
    arguments: tuple[Expr, ...]


class Select(NamedTuple):
    """``expr.a.b`` with ``or default``."""

    expr: Expr
    path: tuple[str | Expr, ...]
    default: Expr | None = None


class Binary(NamedTuple):
    """A binary operation."""

    operator: str
    left: Expr
    right: Expr


class Not(NamedTuple):
    """``!expr``."""

    expr: Expr


class If(NamedTuple):
    """``if c then a else b``."""

    condition: Expr
    then: Expr
    otherwise: Expr


class Assert(NamedTuple):
    """``assert c; body``."""

    condition: Expr
    body: Expr


Expr: TypeAlias = (
    Var
    | Str
    | Text
    | Path
    | List
    | AttrSet
    | Func
    | Let
    | Apply
    | Select
    | Binary
    | Not
    | If
    | Assert
    | bool
    | int
    | None
)


def string(text: str) -> Str:
    """A string without interpolation."""
    return Str((text,))


def select(dotted: str) -> Expr:
    """``"postgresql.pg_config"`` → the selection of ``pg_config`` from the variable ``postgresql``."""
    head, *rest = dotted.split(".")
    return Select(Var(head), tuple(rest)) if rest else Var(head)


def call(function: str, *arguments: Expr) -> Apply:
    """``call("lib.fileset.unions", x)``."""
    return Apply(select(function), arguments)


def attrs(pairs: Mapping[str, Expr] | Iterable[tuple[str, Expr]]) -> AttrSet:
    """An attribute set of plain bindings, in the order given."""
    entries = pairs.items() if isinstance(pairs, Mapping) else pairs
    return AttrSet(tuple(Bind((name,), expr) for name, expr in entries))


def value(data: object) -> Expr:
    """JSON-like data as an expression: mappings, sequences, strings, numbers, booleans, ``None``."""
    if data is None or isinstance(data, bool | int):
        return data
    if isinstance(data, str):
        return string(data)
    if isinstance(data, Mapping):
        return attrs((str(name), value(item)) for name, item in data.items())
    if isinstance(data, Iterable):
        return List(tuple(Item(value(item)) for item in data))
    raise TypeError(f"no Nix expression for {type(data).__name__}")


def uses(node: object, name: str) -> bool:
    """Whether an expression (or a part of one) uses the variable ``name``, or binds it as an argument."""
    match node:
        case Var():
            return node.name == name
        case Inherit(names, None):
            return name in names
        case tuple():
            return any(uses(part, name) for part in node)
    return False
