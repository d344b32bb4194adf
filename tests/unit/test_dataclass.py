"""Our ``@dataclass`` against that of the standard library: the same class, made by both, behaves alike."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from uvlock2nix import dataclass as ours

Decorator = Callable[..., Callable[[type], type]]


def made_by(decorator: Decorator, **options: bool) -> type[Any]:
    class Sample:
        """What a value is made of."""

        one: int
        two: str = "two"
        listed: list[int] = dataclasses.field(default_factory=list)
        kept: int = dataclasses.field(default=1, compare=False, repr=False)
        given: int = dataclasses.field(init=False, default=5)
        unhashed: int = dataclasses.field(default=0, hash=False)
        last: tuple[int, ...] = dataclasses.field(default=(), kw_only=True)
        shared: ClassVar[int] = 3

        def total(self) -> int:
            return self.one + self.kept

    return decorator(**options)(Sample)


def both(*, compiled: bool, **options: bool) -> tuple[type[Any], type[Any]]:
    """The class made by us and by the standard library; ``compiled``: many values were made already."""
    mine = made_by(ours.dataclass, **options)
    if compiled:
        assert [mine(one).one for one in range(ours.FEW + 2)] == list(range(ours.FEW + 2))
    return mine, made_by(dataclasses.dataclass, **options)


CALLS: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((1,), {}),
    ((1, "x"), {}),
    ((2,), {"two": "x", "last": (1,)}),
    ((1, "x", [1], 7, 8), {"last": (2, 3)}),
    ((1,), {"kept": 9}),
)
OPTIONS = (
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "order": True},
    {"slots": True},
    {"frozen": True},
)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_values_are_alike(options: dict[str, bool], compiled: bool) -> None:
    mine, theirs = both(compiled=compiled, **options)
    values = [(mine(*args, **named), theirs(*args, **named)) for args, named in CALLS]
    for one, other in values:
        assert repr(one) == repr(other)
        assert dataclasses.asdict(one) == dataclasses.asdict(other)
        assert one.total() == other.total()
        changed, expected = ours.replace(one, two="z"), dataclasses.replace(other, two="z")
        assert repr(changed) == repr(expected)
    for one, other in values:
        for again, again_other in values:
            assert (one == again) is (other == again_other)
            if options.get("order"):
                assert (one < again) is (other < again_other)
                assert (one <= again) is (other <= again_other)
                assert (one > again) is (other > again_other)
                assert (one >= again) is (other >= again_other)
    assert mine.__match_args__ == theirs.__match_args__
    assert [one.name for one in ours.fields(mine)] == [one.name for one in dataclasses.fields(theirs)]
    assert mine(1) != theirs(1)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((), {}),
        ((1, "", [], 1, 2, 3, 4), {}),
        ((1,), {"what": 1}),
        ((1,), {"given": 1}),
        ((1,), {"one": 2}),
        ((), {"two": ""}),
    ],
)
def test_wrong_calls_are_refused_alike(args: tuple[Any, ...], named: dict[str, Any], compiled: bool) -> None:
    mine, theirs = both(compiled=compiled, frozen=True, slots=True)
    with pytest.raises(TypeError) as expected:
        theirs(*args, **named)
    with pytest.raises(TypeError, match=re.escape(str(expected.value).split("__init__()")[1])):
        mine(*args, **named)


def test_frozen_values_do_not_change() -> None:
    value = made_by(ours.dataclass, frozen=True, slots=True)(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'one'"):
        value.one = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'other'"):
        value.other = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'one'"):
        del value.one
    assert value.one == 1


def test_other_values_do() -> None:
    value = made_by(ours.dataclass, slots=True)(1)
    value.one = 2
    assert (value.one, value.listed is made_by(ours.dataclass, slots=True)(1).listed) == (2, False)
    with pytest.raises(TypeError, match="unhashable"):
        hash(value)


@ours.dataclass(frozen=True, slots=True)
class Hashed:
    one: int
    two: int = ours.field(default=0, compare=False)
    three: dict[str, int] = ours.field(default_factory=dict, hash=False)


@ours.dataclass(frozen=True, slots=True)
class Inheriting(Hashed):
    four: int = 4

    def __repr__(self) -> str:
        return "its own"


@ours.dataclass(slots=True)
class Counting:
    size: int
    left: int = ours.field(init=False)

    def __post_init__(self) -> None:
        self.left = self.size - 1


@ours.dataclass(frozen=True, slots=True)
class Empty:
    """Nothing."""


def test_hashes_are_of_what_is_compared() -> None:
    assert len({Hashed(1, 2), Hashed(1, 3), Hashed(1, three={"a": 1})}) == 2
    assert hash(Hashed(1)) == hash(Hashed(1, 7))
    assert len({Empty(), Empty()}) == 1


def test_inheritance_and_what_a_class_says_itself() -> None:
    value = Inheriting(1, four=5)
    assert repr(value) == "its own"
    assert (value.one, value.three, value.four) == (1, {}, 5)
    assert value != Hashed(1)
    assert not hasattr(value, "__dict__")
    assert Inheriting(1) == Inheriting(1)


def test_after_init() -> None:
    assert [Counting(size).left for size in range(ours.FEW + 3)] == [*range(-1, ours.FEW + 2)]


@pytest.mark.parametrize("value", [Hashed(1, 2, {"a": 1}), Inheriting(1), Empty(), Counting(2)])
def test_values_are_copied_and_pickled(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    assert type(copy.deepcopy(value)) is type(value)


def test_a_class_is_cheap() -> None:
    """No function is compiled before many values are made: that is what the module is for."""
    code = """
import builtins
count = 0
real = builtins.exec
def counting(*given):
    global count
    count += 1
    return real(*given)
from uvlock2nix.dataclass import dataclass
builtins.exec = counting
@dataclass(frozen=True, slots=True)
class One:
    "A class."
    a: int
    b: str = ""
assert count == 0, count
assert (One(1).a, One(2).b, count) == (1, "", 0), count
assert len({One(number % 20) for number in range(100)}) == 20
assert count == 1, count
"""
    subprocess.run([sys.executable, "-c", code], check=True)
