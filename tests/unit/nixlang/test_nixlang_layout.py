"""Where lines are broken: nixfmt (RFC 166) changes none of these."""

from __future__ import annotations

import pytest

from uvlock2nix.nixlang import (
    Apply,
    AttrSet,
    Binary,
    Bind,
    Expr,
    Formal,
    Func,
    If,
    Inherit,
    Item,
    List,
    Not,
    Select,
    Var,
    attrs,
    call,
    render_file,
    select,
    string,
)
from uvlock2nix.nixlang.lines import WIDTH
from uvlock2nix.nixlang.render import render

LONG = "a text that is long enough to need a line of its own, as messages of errors often do in our files"
MIDDLE = LONG[:45]
HALF = LONG[:50]
THREE = List(tuple(Item(Var(name)) for name in ("one", "two", "three")))
SET = attrs({"x": 1, "y": 2})


def bound(expr: Expr) -> str:
    """The expression as the value of ``it``, without the braces and their indentation."""
    lines = render_file(AttrSet((Bind(("it",), expr),))).splitlines()
    assert (lines[0], lines[-1]) == ("{", "}")
    return "\n".join(line.removeprefix("  ") for line in lines[1:-1])


def text(*lines: str) -> str:
    return "\n".join(lines)


BROKEN: dict[str, tuple[Expr, str]] = {
    "the last argument is opened": (
        call("map", Func("name", string("short")), THREE),
        text('it = map (name: "short") [', "  one", "  two", "  three", "];"),
    ),
    "an argument that another follows is opened": (
        call("f", SET, Var("last")),
        text("it = f {", "  x = 1;", "  y = 2;", "} last;"),
    ),
    "two arguments on several lines": (
        call("f", SET, THREE),
        text(
            "it =",
            "  f",
            "    {",
            "      x = 1;",
            "      y = 2;",
            "    }",
            "    [",
            "      one",
            "      two",
            "      three",
            "    ];",
        ),
    ),
    "parentheses of the last argument have lines of their own": (
        call(
            "lib.substring",
            0,
            16,
            call("builtins.hashString", string("sha256"), call("toString", string(MIDDLE))),
        ),
        text(
            "it = lib.substring 0 16 (",
            f'  builtins.hashString "sha256" (toString "{MIDDLE}")',
            ");",
        ),
    ),
    "a function as the last argument": (
        call("mkDerivation", Func("final", SET)),
        text("it = mkDerivation (final: {", "  x = 1;", "  y = 2;", "});"),
    ),
    "an application to a set as the last argument": (
        call("toJSON", call("id", SET)),
        text("it = toJSON (id {", "  x = 1;", "  y = 2;", "});"),
    ),
    "a message is not worth a line": (
        call("throw", string(LONG)),
        f'it = throw "{LONG}";',
    ),
    "a message between arguments is": (
        call("lib.warnIf", Var("flag"), string(LONG), Var("result")),
        text("it =", "  lib.warnIf flag", f'    "{LONG}"', "    result;"),
    ),
    "a default that is unmatched": (
        Select(Var("keys"), (Var("system"),), call("throw", string(LONG[:80]))),
        text("it =", "  keys.${system}", f'    or (throw "{LONG[:80]}");'),
    ),
    "lists that are put together": (
        Binary("++", Binary("++", THREE, Var("more")), call("optionals", Var("flag"), THREE)),
        text(
            "it = [",
            "  one",
            "  two",
            "  three",
            "]",
            "++ more",
            "++ optionals flag [",
            "  one",
            "  two",
            "  three",
            "];",
        ),
    ),
    "a list behind a name": (
        Binary("++", Var("others"), THREE),
        text("it = others ++ [", "  one", "  two", "  three", "];"),
    ),
    "a choice that fits": (If(Var("a"), 1, 2), "it = if a then 1 else 2;"),
    "choices": (
        If(Var("a"), 1, If(Not(Var("b")), 2, 3)),
        text("it =", "  if a then", "    1", "  else if !b then", "    2", "  else", "    3;"),
    ),
    "a condition that is unmatched": (
        If(Binary("&&", call("f", string(HALF)), call("f", string(HALF))), 1, 2),
        text(
            "it =",
            "  if",
            f'    f "{HALF}"',
            f'    && f "{HALF}"',
            "  then",
            "    1",
            "  else",
            "    2;",
        ),
    ),
    "functions one in another": (
        Func("a", Func("b", SET)),
        text("it = a: b: {", "  x = 1;", "  y = 2;", "};"),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_where_lines_are_broken(name: str) -> None:
    expr, expected = BROKEN[name]
    assert bound(expr) == expected


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (3, 1), (4, 6)])
def test_inherited_names(count: int, lines: int) -> None:
    names = tuple(f"name{number}" for number in range(count))
    for source in (None, Var("lib")):
        assert len(render(AttrSet((Inherit(names, source), Bind(("x",), 1)))).splitlines()) == lines + 3


def test_indentation_does_not_count() -> None:
    """Whether a call fits does not depend on how deep it is nested."""
    most = WIDTH - len('it = f "" y z;')
    fits, not_quite = (Apply(Var("f"), (string("x" * n), Var("y"), Var("z"))) for n in (most, most + 1))
    nested: Expr = fits
    for _ in range(20):
        nested = attrs({"deeper": nested})
    assert "\n" not in bound(fits)
    assert bound(not_quite) == text("it =", f'  f "{"x" * (most + 1)}" y', "    z;")
    assert "\n" not in render(fits, " " * 40)


def test_a_default_of_an_argument() -> None:
    formals = (Formal("a"), Formal("b", Func("_final", Func("_prev", AttrSet(())))), Formal("c", SET))
    assert render_file(Func(formals, select("a.b"))) == (
        "{\n  a,\n  b ? _final: _prev: { },\n  c ? {\n    x = 1;\n    y = 2;\n  },\n}:\n\na.b\n"
    )
