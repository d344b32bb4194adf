"""The renderer: the only code that escapes, quotes or indents Nix.

The layout is nixfmt's (RFC 166, https://github.com/NixOS/nixfmt/blob/master/standard.md), so nixfmt changes
nothing. Throughout, ``indent`` is the indentation of the current line, ``before`` the length of what is
already on it (without the indentation, which does not count) and ``after`` the length of what follows.
"""

from __future__ import annotations

from typing import Final, assert_never

from uvlock2nix.nixlang.lines import WIDTH, atom_on_line, inherited, is_absorbed, is_simple, on_line, selected
from uvlock2nix.nixlang.operators import bracket, chain, grouped, operator
from uvlock2nix.nixlang.strings import STEP, indented_string
from uvlock2nix.nixlang.tree import (
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
    Let,
    List,
    Not,
    Path,
    Select,
    Str,
    Text,
    Var,
)
from uvlock2nix.nixlang.words import (
    attr_name,
    comment_line,
    identifier,
)

# Before and after these operators, a set or list stays on the line.
_COMPARING: Final = frozenset(["==", "!="])
_JOINING: Final = frozenset(["//", "++", "+"])


def render_file(expr: Expr, header: tuple[str, ...] = ()) -> str:
    """The text of a Nix file: header lines as comments, the expression, one trailing newline."""
    lines = [comment_line(line) for line in header]
    return "\n".join([*lines, render(expr), ""])


def render(expr: Expr, indent: str = "", before: int = 0, after: int = 0) -> str:
    """The text of an expression whose first line continues a line with this indentation."""
    flat = _flat(expr)
    if flat is not None and before + len(flat) + after <= WIDTH:
        return flat
    match expr:
        case AttrSet():
            return _attrset(expr, indent)
        case List():
            return _list(expr, indent)
        case Let():
            return _let(expr, indent)
        case Func():
            return _func(expr, indent)
        case Text():
            return indented_string(expr, indent, render)
        case Apply():
            near = _near(expr, indent, before, after)
            return near if near is not None else _spread(expr, indent, before)
        case Binary():
            return _operation(expr, indent, before)
        case Not():
            return f"!{_operand(expr.expr, indent, before + 1, after)}"
        case If():
            return _if(expr, indent, before)
        case Assert():
            return f"assert {render(expr.condition, indent, 7, 1)};\n{indent}{render(expr.body, indent)}"
        case Select():
            return _select(expr, indent, before, after)
        case Str() | Var() | Path() | bool() | int() | None:
            return flat or ""
        case _:
            assert_never(expr)


def _flat(expr: Expr) -> str | None:
    return on_line(expr, render)


def _atom(expr: Expr) -> str | None:
    return atom_on_line(expr, render)


def _if(expr: If, indent: str, before: int) -> str:
    inner = indent + STEP
    condition = _flat(expr.condition)
    if condition is not None and before + len(condition) + len("if  then") <= WIDTH:
        head = f"if {condition} then"
    else:
        head = f"if\n{inner}{render(expr.condition, inner)}\n{indent}then"
    then = f"{head}\n{inner}{render(expr.then, inner)}\n{indent}else"
    if isinstance(expr.otherwise, If):  # stays on its line, and is never flat
        return f"{then} {_if(expr.otherwise, indent, len('else '))}"
    return f"{then}\n{inner}{render(expr.otherwise, inner)}"


def _wide(expr: Expr, indent: str) -> str:
    """An absorbed expression, on several lines."""
    match expr:
        case AttrSet():
            return _attrset(expr, indent)
        case List():
            return _list(expr, indent)
        case Func(str() as name, body):
            return f"{identifier(name)}: {_wide(body, indent)}"
        case _:
            return render(expr, indent)


def _operand(expr: Expr, indent: str, before: int = 0, after: int = 0) -> str:
    """An argument or element, in parentheses if needed."""
    flat = _atom(expr)
    if flat is not None and before + len(flat) + after <= WIDTH:
        return flat
    if bracket(expr, "") == "":
        return render(expr, indent, before, after)
    if is_absorbed(expr):
        return f"({_wide(expr, indent)})"
    if isinstance(expr, Apply):
        near = _near(expr, indent, before + 1, after + 1)
        return f"({near})" if near is not None else f"({_spread(expr, indent)}\n{indent})"
    if isinstance(expr, Select):
        return f"({render(expr, indent, before + 1)}\n{indent})"
    return _below(expr, indent)


def _below(expr: Expr, indent: str) -> str:
    """An expression between parentheses on lines of their own."""
    inner = indent + STEP
    return f"(\n{inner}{render(expr, inner)}\n{indent})"


def _opened_last(expr: Expr, indent: str) -> str | None:
    """The last argument on several lines, beginning on its function's line; None if not possible."""
    if bracket(expr, "") == "":
        return _wide(expr, indent) if is_absorbed(expr) else None
    match expr:
        case Func(str()) if is_absorbed(expr):
            return f"({_wide(expr, indent)})"
        case Apply(Var(name), (argument,)) if is_absorbed(argument) and bracket(argument, "") == "":
            return f"({identifier(name)} {_wide(argument, indent)})"
        case _:
            return _below(expr, indent)


def _opened(expr: Expr, indent: str, before: int, after: int) -> str | None:
    """The same for an argument that is followed by others."""
    if bracket(expr, "") == "":
        return _wide(expr, indent) if is_absorbed(expr) else None
    return _operand(expr, indent, before, after)


def _near(expr: Apply, indent: str, before: int, after: int) -> str | None:
    """An application that begins on this line: all of it, or all but one argument that is broken."""
    parts = (expr.function, *expr.arguments)
    flats = [_atom(part) for part in parts]
    whole = " ".join(flat for flat in flats if flat is not None)
    if None not in flats and before + len(whole) + after <= WIDTH:
        return whole
    for place in range(len(parts) - 1, 0, -1):
        others = flats[:place], flats[place + 1 :]
        if None in others[0] or None in others[1]:
            continue
        head, tail = (" ".join(flat for flat in some if flat is not None) for some in others)
        behind = (len(tail) + 1 if tail else 0) + after
        opened = (
            _opened(parts[place], indent, before + len(head) + 1, behind)
            if tail
            else _opened_last(parts[place], indent)
        )
        if opened is None:
            continue
        lines = opened.split("\n")
        first, behind = lines[0], behind + len(lines[-1].lstrip())
        if before + len(head) + 1 + len(first) <= WIDTH and behind <= WIDTH:
            return f"{head} {opened}" + (f" {tail}" if tail else "")
    if None not in flats[:-1] and is_simple(expr):
        head = " ".join(flat for flat in flats[:-1] if flat is not None)
        return f"{head} {_operand(parts[-1], indent, before + len(head) + 1, after)}"
    return None


def _spread(expr: Apply, indent: str, before: int = 0, *, whole: bool = True) -> str:
    """The last argument on a line of its own; those before it on this line if they fit.

    ``whole`` is false for the start of a longer application.
    """
    inner = indent + STEP
    *front, last = expr.arguments
    head = _operand(expr.function, indent, before)
    if front:
        start = Apply(expr.function, tuple(front))
        flat = _flat(start)
        fits = flat is not None and before + len(flat) <= WIDTH
        head = flat if flat is not None and fits else _spread(start, indent, before, whole=False)
    flat = _atom(last)
    if flat is not None and len(flat) <= WIDTH:
        return f"{head}\n{inner}{flat}"
    opened = _opened_last(last, inner) if whole else None
    return f"{head}\n{inner}{opened or _operand(last, inner)}"


def _operation(expr: Binary, indent: str, before: int) -> str:
    """Each operand after the first on its own line, after its operator; a comparison on one if it fits."""
    first, *others = chain(expr)
    if expr.operator in _COMPARING:
        return _comparison(expr, indent, before)
    held = grouped(expr, first, "") != ""
    lines = [_operand(first, indent, before) if held else _side(first, indent, before)]
    word = operator(expr)
    lines += [f"{indent}{word}{_behind(expr, side, indent, len(word))}" for side in others]
    return "\n".join(lines)


def _comparison(expr: Binary, indent: str, before: int) -> str:
    left, right = (grouped(expr, side, "") != "" for side in (expr.left, expr.right))
    head = _operand(expr.left, indent, before) if left else render(expr.left, indent, before)
    word = operator(expr)
    tail = _operand(expr.right, indent, len(word) + 1) if right else render(expr.right, indent, len(word) + 1)
    lines, first = head.split("\n"), tail.split("\n", 1)[0]
    begun = len(lines[-1].lstrip()) + (before if len(lines) == 1 else 0)
    together = begun + 1 + len(word) + 1 + len(first) <= WIDTH
    return f"{head}{' ' if together else chr(10) + indent}{word} {tail}"


def _side(side: Expr, indent: str, before: int = 0) -> str:
    return (
        _wide(side, indent) if is_absorbed(side) and bracket(side, "") == "" else render(side, indent, before)
    )


def _behind(outer: Binary, side: Expr, indent: str, word: int) -> str:
    """What follows an operator: on its line, or below it if it has several parts."""
    flat = _flat(side)
    if flat is not None and word + 1 + len(grouped(outer, side, flat)) <= WIDTH:
        return f" {grouped(outer, side, flat)}"
    inner = indent + STEP
    if isinstance(side, Apply):
        near = _near(side, indent, word + 1, 0)
        return f" {near}" if near is not None else f"\n{inner}{_spread(side, inner)}"
    if grouped(outer, side, "") != "":
        return f" {_operand(side, indent, word + 1)}"
    if isinstance(side, Binary):
        return f"\n{inner}{render(side, inner)}"
    return f" {_side(side, indent, word + 1)}"


def _select(expr: Select, indent: str, before: int, after: int) -> str:
    text = selected(expr, render)
    if expr.default is None:
        return text
    inner = indent + STEP
    return f"{text}\n{inner}or {_operand(expr.default, inner, len('or '), after)}"


def _list(expr: List, indent: str) -> str:
    inner = indent + STEP
    lines = ["["]
    for item in expr.items:
        tail = f" {comment_line(item.comment)}" if item.comment else ""
        lines.append(f"{inner}{_operand(item.expr, inner)}{tail}")
    return "\n".join([*lines, f"{indent}]"])


def _bindings(binds: tuple[Bind | Inherit, ...], indent: str) -> list[str]:
    lines: list[str] = []
    for bind in binds:
        if bind.blank_before and lines:
            lines.append("")
        lines.extend(indent + comment_line(line) for line in bind.comment.split("\n") if bind.comment)
        match bind:
            case Bind(path, expr):
                name = ".".join(attr_name(part) for part in path)
                lines.append(f"{indent}{name} ={_bound(expr, indent, len(name) + 2)};")
            case Inherit(names, source):
                lines += inherited(names, source, indent, render)
            case _:
                assert_never(bind)
    return lines


def _bound(expr: Expr, indent: str, taken: int) -> str:
    """What follows the ``=`` of a binding, up to the semicolon; name and ``=`` take ``taken`` columns."""
    inner, before = indent + STEP, taken + 1
    flat = _flat(expr)
    if flat is not None and before + len(flat) + 1 <= WIDTH:
        return f" {flat}"
    if is_absorbed(expr) or isinstance(expr, Str | Text | Path):
        return f" {_wide(expr, indent)}"
    if isinstance(expr, Apply):
        near = _near(expr, indent, before, 1)
        return f" {near}" if near is not None else f"\n{inner}{_spread(expr, inner)}"
    if isinstance(expr, Binary) and expr.operator in _JOINING:
        first, *others = chain(expr)
        if is_absorbed(first) and bracket(first, "") == "":
            return f" {_operation(expr, indent, before)}"
        left = _flat(first)
        if len(others) == 1 and left is not None and is_absorbed(others[0]) and bracket(others[0], "") == "":
            head, right = f"{grouped(expr, first, left)} {operator(expr)}", _wide(others[0], indent)
            if before + len(head) + 1 + len(right.split("\n", 1)[0]) <= WIDTH:
                return f" {head} {right}"
    return f"\n{inner}{render(expr, inner, 0, 1)}"


def _attrset(expr: AttrSet, indent: str) -> str:
    head = "rec {" if expr.rec else "{"
    return "\n".join([head, *_bindings(expr.binds, indent + STEP), f"{indent}}}"])


def _let(expr: Let, indent: str) -> str:
    lines = ["let", *_bindings(expr.binds, indent + STEP), f"{indent}in", indent + render(expr.body, indent)]
    return "\n".join(lines)


def _formal(formal: Formal, indent: str) -> list[str]:
    name = identifier(formal.name)
    default = f" ?{_bound(formal.default, indent, len(name) + 2)}" if formal.default is not None else ""
    above = [indent + comment_line(formal.comment)] if formal.comment else []
    return [*above, f"{indent}{name}{default},"]


def _func(expr: Func, indent: str) -> str:
    if isinstance(expr.formals, str):
        name = identifier(expr.formals)
        if is_absorbed(expr.body):
            return f"{name}: {_wide(expr.body, indent)}"
        if isinstance(expr.body, Func) and isinstance(expr.body.formals, str):
            return f"{name}: {_func(expr.body, indent)}"
        return f"{name}:\n{indent}{render(expr.body, indent)}"
    inner = indent + STEP
    lines = ["{"]
    for formal in expr.formals:
        lines.extend(_formal(formal, inner))
    if expr.ellipsis:
        lines.append(f"{inner}...")
    return "\n".join([*lines, f"{indent}}}:", "", indent + render(expr.body, indent)])
