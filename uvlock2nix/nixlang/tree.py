"""The expression tree: a closed set of frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Var:
    """A variable; ``name`` must be an identifier."""

    name: str


@dataclass(frozen=True, slots=True)
class Str:
    """A string ``"…"``; its parts are literal text or expressions to interpolate."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """An indented string ``''…''``, for shell text; lines are separated by newlines in the parts."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A path literal relative to the file, as ``../uv.lock``; every part is a file name."""

    up: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list, with a comment at the end of its line."""

    expr: Expr
    comment: str = ""


@dataclass(frozen=True, slots=True)
class List:
    """A list; ``broken`` puts each element on a line of its own."""

    items: tuple[Item, ...]
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Bind:
    """``name.name = expr;`` , with a comment above it."""

    path: tuple[str, ...]
    expr: Expr
    comment: str = ""
    blank_before: bool = False


@dataclass(frozen=True, slots=True)
class Inherit:
    """``inherit (source) names;``."""

    names: tuple[str, ...]
    source: Expr | None = None
    comment: str = ""
    blank_before: bool = False


@dataclass(frozen=True, slots=True)
class AttrSet:
    """An attribute set."""

    binds: tuple[Bind | Inherit, ...]
    rec: bool = False


@dataclass(frozen=True, slots=True)
class Formal:
    """An argument of a function that takes a set; without a ``default`` it is required."""

    name: str
    default: Expr | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Func:
    """``{ a, b ? c }: body`` or, with a name alone, ``a: body``."""

    formals: tuple[Formal, ...] | str
    body: Expr
    ellipsis: bool = False


@dataclass(frozen=True, slots=True)
class Let:
    """``let … in body``."""

    binds: tuple[Bind | Inherit, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Apply:
    """A function applied to arguments."""

    function: Expr
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """``expr.a.b`` with ``or default``."""

    expr: Expr
    path: tuple[str | Expr, ...]
    default: Expr | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary operation."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Not:
    """``!expr``."""

    expr: Expr


@dataclass(frozen=True, slots=True)
class If:
    """``if c then a else b``."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Assert:
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
        case tuple():
            return any(uses(part, name) for part in node)
        case Inherit(names, None):
            return name in names
    if not is_dataclass(node):
        return False
    return any(uses(getattr(node, field.name), name) for field in fields(node))
