"""Random expressions mean in Nix what they mean as trees."""

from __future__ import annotations

import json
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.stand import Stand, require_stand
from uvlock2nix.nixlang import (
    Apply,
    Assert,
    AttrSet,
    Binary,
    Bind,
    Expr,
    Formal,
    Func,
    If,
    Inherit,
    Item,
    Let,
    List,
    Not,
    Select,
    Text,
    Var,
    attrs,
    call,
    render,
    render_file,
    select,
    string,
)

Value: TypeAlias = int | bool | list[int] | dict[str, int]
# An expression with its value, computed next to it.
Pair: TypeAlias = tuple[Expr, Value]


def lists_of(numbers: list[Pair]) -> Pair:
    return List(tuple(Item(expr) for expr, _ in numbers)), [int(n) for _, n in numbers if isinstance(n, int)]


def sets_of(named: dict[str, Pair]) -> Pair:
    return attrs((k, expr) for k, (expr, _) in named.items()), {
        k: n for k, (_, n) in named.items() if isinstance(n, int)
    }


def binary(operator: str, left: Pair, right: Pair) -> Pair:
    (a, x), (b, y) = left, right
    result: Value
    match operator:
        case "+":
            assert isinstance(x, int)
            assert isinstance(y, int)
            result = x + y
        case "++":
            assert isinstance(x, list)
            assert isinstance(y, list)
            result = x + y
        case "//":
            assert isinstance(x, dict)
            assert isinstance(y, dict)
            result = {**x, **y}
        case "==":
            result = x == y
        case "!=":
            result = x != y
        case "&&":
            result = bool(x and y)
        case "||":
            result = bool(x or y)
        case _:
            result = not x or bool(y)
    return Binary(operator, a, b), result


def wrapped(kind: int, pair: Pair) -> Pair:
    """The same value in a different dress: everything that can stand as an operand."""
    expr, result = pair
    match kind:
        case 0:
            return Let((Bind(("x",), expr),), Var("x")), result
        case 1:
            return Apply(Func("x", Var("x")), (expr,)), result
        case 2:
            return Assert(True, expr), result
        case 3:
            return Select(AttrSet((Bind(("a", "b"), expr, "comment"),)), ("a", "b")), result
        case 4:
            return Select(AttrSet(()), ("none",), expr), result
        case 5:
            return Apply(Func((Formal("x", expr),), Var("x")), (AttrSet(()),)), result
        case 6:
            return call("builtins.fromJSON", call("builtins.toJSON", expr)), result
        case 7:
            made = AttrSet((Bind(("a",), expr),), rec=True)
            return Select(AttrSet((Inherit(("a",), made),)), (string("a"),)), result
        case _:
            return If(Not(Not(True)), expr, call("throw", string("never"))), result


def either(condition: Pair, then: Pair, otherwise: Pair) -> Pair:
    return If(condition[0], then[0], otherwise[0]), (then if condition[1] else otherwise)[1]


def grow(
    base: st.SearchStrategy[Pair], bools: st.SearchStrategy[Pair], *operators: str
) -> st.SearchStrategy[Pair]:
    return st.recursive(
        base,
        lambda inner: st.one_of(
            *(st.builds(binary, st.just(operator), inner, inner) for operator in operators),
            st.builds(either, bools, inner, inner),
            st.builds(wrapped, st.integers(0, 8), inner),
        ),
        max_leaves=8,
    )


def negated(pair: Pair) -> Pair:
    return Not(pair[0]), not pair[1]


NUMBER: st.SearchStrategy[Pair] = st.integers(-(10**6), 10**6).map(lambda n: (n, n))
TRUTH: st.SearchStrategy[Pair] = st.booleans().map(lambda b: (b, b))
NUMBERS = grow(NUMBER, TRUTH, "+")
LISTS = grow(st.lists(NUMBERS, max_size=3).map(lists_of), TRUTH, "++")
SETS = grow(st.dictionaries(st.sampled_from("abc"), NUMBERS, max_size=3).map(sets_of), TRUTH, "//")
COMPARED = st.one_of(
    *(st.builds(binary, st.sampled_from(["==", "!="]), kind, kind) for kind in (NUMBERS, LISTS, SETS))
)
BASE_BOOLS = st.one_of(TRUTH, COMPARED)
BOOLS = st.recursive(
    BASE_BOOLS,
    lambda inner: st.one_of(
        st.builds(binary, st.sampled_from(["&&", "||", "->", "==", "!="]), inner, inner),
        st.builds(negated, inner),
        st.builds(either, inner, inner, inner),
        st.builds(wrapped, st.integers(0, 8), inner),
    ),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def stand() -> Stand:
    return require_stand("forky")


@pytest.mark.stand
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(NUMBERS, LISTS, SETS, BOOLS), min_size=10, max_size=25))
def test_random_trees(stand: Stand, pairs: list[Pair]) -> None:
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "-"]
    # As elements, as bindings, and alone behind an operator.
    elements = List(tuple(Item(expr, "comment") for expr, _ in pairs))
    bindings = AttrSet(tuple(Bind((f"x{n}",), expr) for n, (expr, _) in enumerate(pairs)))
    text = render_file(List((Item(elements), Item(bindings)), broken=True))
    found = json.loads(stand.run(argv, input=text).stdout)
    values = [result for _, result in pairs]
    assert found == [values, {f"x{n}": one for n, one in enumerate(values)}], text


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (Not(Binary("==", Var("a"), Var("b"))), "!(a == b)"),
        (Binary("==", Not(Var("a")), Var("b")), "!a == b"),
        # `!a + b` would be `!(a + b)`.
        (Binary("+", Not(Var("a")), Var("b")), "(!a) + b"),
        (Binary("+", Binary("+", Var("a"), Var("b")), Var("c")), "(a + b) + c"),
        (Binary("++", Var("a"), Binary("++", Var("b"), Var("c"))), "a ++ b ++ c"),
        (Binary("&&", Binary("||", Var("a"), Var("b")), Var("c")), "(a || b) && c"),
        (Binary("||", Binary("&&", Var("a"), Var("b")), Var("c")), "a && b || c"),
        (Apply(Var("f"), (-1, Apply(Var("g"), (Var("x"),)))), "f (-1) (g x)"),
        (Apply(Var("f"), (Select(Var("a"), ("b",), None), select("c.d"))), "f a.b c.d"),
        (Apply(Var("f"), (Select(Var("a"), ("b",), Var("c")),)), "f (a.b or c)"),
        (List((Item(Apply(Var("f"), (1,))),)), "[ (f 1) ]"),
        (Select(Apply(Var("f"), (1,)), ("a",)), "(f 1).a"),
    ],
)
def test_brackets(tree: Expr, text: str) -> None:
    assert render(tree) == text


def test_an_unknown_operator_is_no_operator() -> None:
    with pytest.raises(ValueError, match="not an operator"):
        render(Binary("; evil", 1, 2))


LAYOUT = """\
{
  lib,
  # why
  flag ? false,
}:

let
  inherit (lib) id;
in
lib.mkThing {
  none = [ ];
  one = [ lib ];
  two = [
    lib
    id # for id
  ];
  choice =
    if flag then
      1
    else if !flag then
      2
    else
      id 3;
  sum = [
    1
    2
  ]
  ++ lib.optionals flag [ 3 ]
  ++ [ ];

  # said
  # twice
  script = ''
    echo "$out" ''${not} ''''
  '';
  same = { inherit lib; };
  "a b".c = { };
  nested = id (id {
    x = null;
  });
}
"""


def test_layout() -> None:
    """The layout of nixpkgs (RFC 166), as a person would write it."""
    three = Item(3)
    pair = List((Item(1), Item(2)))
    flagged = call("lib.optionals", Var("flag"), List((three,)))
    binds = (
        Bind(("none",), List(())),
        Bind(("one",), List((Item(Var("lib")),))),
        Bind(("two",), List((Item(Var("lib")), Item(Var("id"), "for id")))),
        Bind(("choice",), If(Var("flag"), 1, If(Not(Var("flag")), 2, call("id", 3)))),
        Bind(("sum",), Binary("++", Binary("++", pair, flagged), List(()))),
        Bind(("script",), Text(("echo \"$out\" ${not} '''\n",)), "said\ntwice", blank_before=True),
        Bind(("same",), AttrSet((Inherit(("lib",)),))),
        Bind(("a b", "c"), AttrSet(())),
        Bind(("nested",), call("id", call("id", attrs({"x": None})))),
    )
    formals = (Formal("lib"), Formal("flag", False, "why"))
    body = Let((Inherit(("id",), Var("lib")),), call("lib.mkThing", AttrSet(binds)))
    assert render_file(Func(formals, body)) == LAYOUT
