"""``@dataclass`` for programs that start often: functions are generated on first use.

The standard library's decorator compiles up to nine functions per class, 0.7 ms of processor time each; a
command of ours loads 150 classes. Here, the standard library still reads the fields (so ``fields``,
``replace``, ``match`` and type checkers work as usual), and the functions are made like this:

- ``__init__`` is compiled if more than a few values of a class are made, and fills slots without a lookup;
- the others (comparison, hash, ``repr``, the refusal to change a frozen value, pickling) are not compiled.

Options: ``frozen``, ``slots``, ``order``; as in the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields, is_dataclass
from operator import attrgetter
from reprlib import recursive_repr
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    # Type checkers recognise the decorator by its name.
    from dataclasses import dataclass, replace

FEW: Final = 12
"""Compiling an ``__init__`` takes as long as filling this many values without it."""

_Class = type[Any]


def _prepared(
    *, frozen: bool = False, slots: bool = False, order: bool = False
) -> Callable[[_Class], _Class]:
    """The decorator with its options; see the top of this module."""

    def prepare(given: _Class) -> _Class:
        own = set(vars(given))
        # Without a docstring, the standard library would write one, from a signature that does not exist yet.
        given.__doc__ = given.__doc__ or given.__name__
        read = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)
        cls: _Class = read(given)
        for name, function in _functions(cls, frozen=frozen, order=order).items():
            if name not in own:
                setattr(cls, name, function)
        return cls

    return prepare


def _functions(cls: _Class, *, frozen: bool, order: bool) -> dict[str, Any]:
    every: tuple[Field[Any], ...] = fields(cls)
    compared = _values_of([one.name for one in every if one.compare])
    hashed = _values_of([one.name for one in every if (one.compare if one.hash is None else one.hash)])
    made: dict[str, Any] = {
        "__init__": _first_init(cls),
        "__repr__": _repr_of([one.name for one in every if one.repr]),
        "__eq__": _comparison(compared, lambda mine, theirs: mine == theirs),
        "__hash__": (lambda self: hash(hashed(self))) if frozen else None,
    }
    if frozen:
        names = [one.name for one in every]
        made |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        made |= {"__getstate__": _state_of(names), "__setstate__": _restoring(cls, names)}
    if order:
        made |= {
            "__lt__": _comparison(compared, lambda mine, theirs: mine < theirs),
            "__le__": _comparison(compared, lambda mine, theirs: mine <= theirs),
            "__gt__": _comparison(compared, lambda mine, theirs: mine > theirs),
            "__ge__": _comparison(compared, lambda mine, theirs: mine >= theirs),
        }
    return made


def _values_of(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that returns the values of these fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    if names:
        only = attrgetter(names[0])
        return lambda value: (only(value),)
    return lambda value: ()


def _comparison(
    compared: Callable[[Any], tuple[Any, ...]], compare: Callable[[Any, Any], bool]
) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compare(compared(self), compared(other))

    return method


def _repr_of(names: list[str]) -> Callable[[Any], str]:
    @recursive_repr()
    def method(self: Any) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return method


def _refuse_to_set(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state_of(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    def method(self: Any) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in names)

    return method


def _restoring(cls: _Class, names: list[str]) -> Callable[[Any, tuple[Any, ...]], None]:
    def method(self: Any, state: tuple[Any, ...]) -> None:
        for name, value in zip(names, state, strict=True):
            _setter(cls, name)(self, value)

    return method


def _setter(cls: _Class, name: str) -> Callable[[Any, Any], None]:
    """A function that sets a field, frozen or not."""
    slot = getattr(cls, name, None)
    if isinstance(slot, MemberDescriptorType):
        return slot.__set__
    return lambda value, content: object.__setattr__(value, name, content)


def _first_init(cls: _Class) -> Callable[..., None]:
    """An ``__init__`` that fills a few values itself, and then replaces itself with a compiled one."""
    made = 0
    positional: list[str] = []
    rows: list[_Row] = []

    def method(self: Any, *args: Any, **named: Any) -> None:
        nonlocal made
        if not made:
            every = fields(cls)
            positional.extend(one.name for one in every if one.init and not one.kw_only)
            rows.extend((_setter(cls, one.name), one) for one in every)
        made += 1
        if made <= FEW and _filled(self, positional, rows, args, named):
            return
        # It also reports wrong calls.
        cls.__init__ = written = _written_init(cls)
        written(self, *args, **named)

    return method


_Row = tuple[Callable[[Any, Any], None], Field[Any]]


def _filled(
    value: Any, positional: list[str], rows: list[_Row], args: tuple[Any, ...], named: dict[str, Any]
) -> bool:
    """Fill the fields with what was given or by default; false where the call is wrong."""
    given = dict(zip(positional, args, strict=False), **named)
    if len(given) != len(args) + len(named):
        return False
    for put, one in rows:
        content = given.pop(one.name, one.default) if one.init else one.default
        if content is MISSING and one.default_factory is not MISSING:
            content = one.default_factory()
        if content is not MISSING:
            put(value, content)
        elif one.init:
            return False
    if given:
        return False
    if hasattr(value, "__post_init__"):
        value.__post_init__()
    return True


def _written_init(cls: _Class) -> Callable[..., None]:
    scope: dict[str, Any] = {"__absent": MISSING}
    positional: list[str] = ["self"]
    by_name: list[str] = []
    body: list[str] = []
    for one in fields(cls):
        name = one.name
        scope[f"__set_{name}"] = _setter(cls, name)
        parameter = value = name
        if one.default_factory is not MISSING:
            scope[f"__new_{name}"] = one.default_factory
            parameter = f"{name}=__absent"
            value = f"__new_{name}() if {name} is __absent else {name}" if one.init else f"__new_{name}()"
        elif one.default is not MISSING:
            scope[f"__default_{name}"] = one.default
            parameter = f"{name}=__default_{name}"
            value = name if one.init else f"__default_{name}"
        elif not one.init:
            continue
        if one.init:
            (by_name if one.kw_only else positional).append(parameter)
        body.append(f" __set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    head = ", ".join([*positional, "*", *by_name] if by_name else positional)
    text = "\n".join([f"def __init__({head}):", *(body or [" pass"])])
    exec(text, scope)  # noqa: S102 - made only of field names, which are identifiers
    written: Callable[..., None] = scope["__init__"]
    written.__qualname__ = f"{cls.__qualname__}.__init__"
    return written


def _replaced(value: Any, /, **changes: Any) -> Any:
    """As ``dataclasses.replace``, in half the time."""
    cls = type(value)
    known = _TAKEN.get(cls)
    if known is None:
        names = [one.name for one in fields(cls) if one.init]
        known = _TAKEN[cls] = names, _values_of(names)
    names, values = known
    return cls(**dict(zip(names, values(value), strict=True), **changes))


# Class → the fields that its ``__init__`` takes, and the function for their values.
_TAKEN: Final[dict[_Class, tuple[list[str], Callable[[Any], tuple[Any, ...]]]]] = {}


if not TYPE_CHECKING:
    dataclass = _prepared
    replace = _replaced

__all__ = ["dataclass", "field", "fields", "is_dataclass", "replace"]
