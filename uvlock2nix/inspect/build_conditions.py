"""The truth of a build script's conditions on Linux by default. Nothing is executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Value: TypeAlias = str | int | float | bool | tuple[int, ...] | None


# Names refer to names: the steps are limited for all conditions of a script together.
MAX_STEPS: Final = 50_000


class _Unknown:
    """A value that cannot be determined without running the script."""


UNKNOWN: Final = _Unknown()


_FACTS: Final[Mapping[str, Value]] = {
    "sys.platform": "linux",
    "os.name": "posix",
    "sys.byteorder": "little",
    "sys.maxsize": 2**63 - 1,
    "sys.version_info": (3, 13, 0),
    "sys.version_info.major": 3,
    "sys.version_info.minor": 13,
    "sys.implementation.name": "cpython",
    "os.sep": "/",
    "__name__": "__main__",
    "platform.system()": "Linux",
    "platform.machine()": "x86_64",
    "platform.python_implementation()": "CPython",
    "platform.architecture()[0]": "64bit",
    "os.uname()[0]": "Linux",
    "os.uname().sysname": "Linux",
    "get_platform()": "linux-x86_64",
    "sysconfig.get_platform()": "linux-x86_64",
    "distutils.util.get_platform()": "linux-x86_64",
    "util.get_platform()": "linux-x86_64",
    "system()": "Linux",
    "machine()": "x86_64",
}
_ENVIRONMENT: Final = ("os.environ", "environ", "sys.argv", "argv", "env")
_GET: Final = ("os.environ.get", "os.getenv", "environ.get", "getenv", "os.environ.pop", "env.get")


class Conditions:
    """Evaluates expressions; ``assigned`` maps names to assigned values, ``None`` for "anything"."""

    def __init__(self) -> None:
        self.assigned: dict[str, list[ast.expr | None]] = {}
        self._asked: set[str] = set()
        self._left = MAX_STEPS

    def truth(self, test: ast.expr) -> bool | None:
        """Whether a condition holds; ``None`` if that cannot be determined."""
        value = self._value(test)
        return None if isinstance(value, _Unknown) else bool(value)

    def _value(self, node: ast.expr) -> Value | _Unknown:
        self._left -= 1
        if self._left < 0:
            return UNKNOWN
        match node:
            case ast.Constant(value=str() | int() | float() | None as value):
                return value
            case ast.Name(id=name):
                return self._name(name)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = self.truth(operand)
                return UNKNOWN if truth is None else not truth
            case ast.BoolOp(op=op, values=values):
                return self._bool(isinstance(op, ast.And), values)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compare(left, op, right)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                parts = [self._value(part) for part in elts[:20]]
                numbers = tuple(part for part in parts if isinstance(part, int))
                return numbers if len(numbers) == len(elts) else UNKNOWN
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                truth = self.truth(test)
                return UNKNOWN if truth is None else self._value(then if truth else otherwise)
            case ast.Subscript(value=inner, slice=slice_):
                return self._subscript(node, inner, slice_)
            case ast.Call() | ast.Attribute():
                return self._call(node) if isinstance(node, ast.Call) else self._name(path_of(node))
            case _:
                return UNKNOWN

    def _name(self, name: str) -> Value | _Unknown:
        values = self.assigned.get(name, [])
        if not values:
            return _fact("sys.platform" if name == "platform" else name)
        if None in values or len(values) > 8 or name in self._asked:
            return UNKNOWN
        self._asked.add(name)
        try:
            found = [self._value(value) for value in values if value is not None]
        finally:
            self._asked.discard(name)
        # Assigned more than once: known only if the truth is always the same (as of `None` and `False`).
        if len(found) > 1 and any(found) is False and not any(isinstance(v, _Unknown) for v in found):
            return False
        return found[0] if len(found) == 1 else UNKNOWN

    def _bool(self, is_and: bool, values: Sequence[ast.expr]) -> Value | _Unknown:
        truths = [self.truth(value) for value in values]
        if (not is_and) in truths:
            return not is_and
        return UNKNOWN if None in truths else is_and

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Value | _Unknown:
        if isinstance(op, ast.In | ast.NotIn):
            found = self._contains(left, right)
            return UNKNOWN if found is None else found is isinstance(op, ast.In)
        one, other = self._value(left), self._value(right)
        if isinstance(one, _Unknown) or isinstance(other, _Unknown):
            return UNKNOWN
        if isinstance(op, ast.Eq | ast.Is):
            return one == other
        if isinstance(op, ast.NotEq | ast.IsNot):
            return one != other
        if isinstance(one, tuple) and isinstance(other, tuple):
            return _ordered(one, op, other)
        if isinstance(one, int | float) and isinstance(other, int | float):
            return _ordered((int(one),), op, (int(other),))
        return UNKNOWN

    def _contains(self, left: ast.expr, right: ast.expr) -> bool | None:
        if path_of(right) in _ENVIRONMENT:
            return False  # no variable is set and no option given
        item = self._value(left)
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            values = [self._value(part) for part in right.elts]
            if isinstance(item, _Unknown) or any(isinstance(value, _Unknown) for value in values):
                return None
            return item in values
        whole = self._value(right)
        return item in whole if isinstance(item, str) and isinstance(whole, str) else None

    def _subscript(self, node: ast.expr, inner: ast.expr, slice_: ast.expr) -> Value | _Unknown:
        if (known := _fact(path_of(node))) is not UNKNOWN:
            return known
        value = self._value(inner)
        if isinstance(value, str | tuple):
            match slice_:
                case ast.Constant(value=int(index)) if -len(value) <= index < len(value):
                    return value[index]
                case ast.Slice(lower=None, upper=ast.Constant(value=int(end)), step=None):
                    return value[:end]
                case _:
                    return UNKNOWN
        return UNKNOWN

    def _call(self, node: ast.Call) -> Value | _Unknown:
        path = path_of(node.func)
        if path in _GET and node.args:
            return self._value(node.args[1]) if len(node.args) > 1 else None
        if (known := _fact(f"{path}()")) is not UNKNOWN and not node.args:
            return known
        arguments = [self._value(argument) for argument in node.args[:4]]
        if path in ("bool", "int", "str") and len(arguments) == 1:
            return _converted(path, arguments[0])
        if isinstance(node.func, ast.Attribute):
            value = self._value(node.func.value)
            method = node.func.attr
            if isinstance(value, str) and method in ("startswith", "endswith"):
                return self._affix(value, method, node.args)
            if isinstance(value, str) and method in ("lower", "upper", "strip") and not arguments:
                return str(getattr(value, method)())
        return UNKNOWN

    def _affix(self, value: str, method: str, arguments: Sequence[ast.expr]) -> Value | _Unknown:
        wanted = arguments[0] if arguments else None
        parts = wanted.elts if isinstance(wanted, ast.Tuple) else [wanted] if wanted is not None else []
        texts = [self._value(part) for part in parts]
        if not texts or not all(isinstance(text, str) for text in texts):
            return UNKNOWN
        fits = tuple(text for text in texts if isinstance(text, str))
        return value.startswith(fits) if method == "startswith" else value.endswith(fits)


def _converted(kind: str, value: Value | _Unknown) -> Value | _Unknown:
    if isinstance(value, _Unknown):
        return UNKNOWN
    if kind == "bool":
        return bool(value)
    if kind == "str":
        return str(value)[:100]
    if isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"\d{1,9}", value)):
        return int(value)
    return UNKNOWN


def _ordered(one: tuple[int, ...], op: ast.cmpop, other: tuple[int, ...]) -> bool | _Unknown:
    match op:
        case ast.Lt():
            return one < other
        case ast.LtE():
            return one <= other
        case ast.Gt():
            return one > other
        case ast.GtE():
            return one >= other
        case _:
            return UNKNOWN


def _fact(path: str) -> Value | _Unknown:
    return _FACTS.get(path, UNKNOWN)


def path_of(node: ast.expr, depth: int = 8) -> str:
    """``sys.platform`` as text; empty if it is not a chain of names, or too long."""
    if depth == 0:
        return ""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            return f"{path_of(inner, depth - 1)}.{name}"
        case ast.Call(func=inner, args=[]):
            return f"{path_of(inner, depth - 1)}()"
        case ast.Subscript(value=inner, slice=ast.Constant(value=int(index))):
            return f"{path_of(inner, depth - 1)}[{index}]"
        case _:
            return ""
