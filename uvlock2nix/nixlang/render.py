"""The renderer: the only code that escapes, quotes or indents Nix."""

from __future__ import annotations

from typing import Final, assert_never

from uvlock2nix.nixlang.operators import bracket, chain, grouped, merged, operator
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
from uvlock2nix.nixlang.words import (
    attr_name,
    comment_line,
    escape,
    identifier,
    indented,
    joined,
    path,
)

WIDTH: Final = 100
STEP: Final = "  "


def render_file(expr: Expr, header: tuple[str, ...] = ()) -> str:
    """The text of a Nix file: header lines as comments, the expression, one trailing newline."""
    lines = [comment_line(line) for line in header]
    return "\n".join([*lines, render(expr), ""])


def render(expr: Expr, indent: str = "") -> str:
    """The text of an expression whose first line continues a line with this indentation."""
    flat = _flat(expr)
    if flat is not None and len(indent) + len(flat) <= WIDTH:
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
            return _text(expr, indent)
        case Apply():
            return _apply(expr, indent)
        case Binary() | Not() | If() | Assert():
            return _operation(expr, indent)
        case Select():
            return _select(expr, indent)
        case Str():
            return _str(expr)
        case Var() | Path() | bool() | int() | None:
            return flat or ""
        case _:
            assert_never(expr)


def _operation(expr: Binary | Not | If | Assert, indent: str) -> str:
    inner = indent + STEP
    match expr:
        case Binary():
            sides = [_side(expr, side, indent) for side in chain(expr)]
            return f"\n{indent}{operator(expr)} ".join(sides)
        case Not():
            return f"!{_operand(expr.expr, indent)}"
        case If():
            return f"if {render(expr.condition, indent)} then\n{_branches(expr, indent)}"
        case Assert():
            return f"assert {render(expr.condition, inner)};\n{indent}{render(expr.body, indent)}"
        case _:
            assert_never(expr)


def _branches(expr: If, indent: str) -> str:
    """What follows ``then``; an `else if` stays on its line."""
    inner = indent + STEP
    then = f"{inner}{render(expr.then, inner)}\n{indent}else"
    if isinstance(expr.otherwise, If):
        chained = expr.otherwise
        return f"{then} if {render(chained.condition, indent)} then\n{_branches(chained, indent)}"
    return f"{then}\n{inner}{render(expr.otherwise, inner)}"


def _flat(expr: Expr) -> str | None:
    """The expression on one line, or ``None`` where it must not be."""
    match expr:
        case Var(name):
            return identifier(name)
        case bool():
            return "true" if expr else "false"
        case int():
            return str(expr) if expr >= 0 else f"({expr})"
        case None:
            return "null"
        case Str():
            return _str(expr)
        case Path():
            return path(expr.up, expr.parts)
        case List(items, broken):
            return _flat_list(items, broken=broken)
        case AttrSet():
            return _flat_attrset(expr)
        case Select():
            return _select(expr, "")
        case Apply(function, arguments):
            parts = [_flat_atom(part) for part in (function, *arguments)]
            return None if None in parts else " ".join(part for part in parts if part)
        case Binary(_, left, right):
            sides = [(_flat(side), side) for side in (left, right)]
            texts = [None if text is None else grouped(expr, side, text) for text, side in sides]
            return None if None in texts else f"{texts[0]} {operator(expr)} {texts[1]}"
        case Not(inner):
            flat = _flat_atom(inner)
            return None if flat is None else f"!{flat}"
        case If() | Assert() | Let() | Func() | Text():
            return None
        case _:
            assert_never(expr)


def _flat_list(items: tuple[Item, ...], *, broken: bool) -> str | None:
    if not items:
        return "[ ]"
    # As in nixpkgs: one element on the line of its brackets, more on a line each.
    if broken or len(items) > 1 or items[0].comment:
        return None
    flat = _flat_atom(items[0].expr)
    return None if flat is None else f"[ {flat} ]"


def _flat_attrset(expr: AttrSet) -> str | None:
    match expr:
        case AttrSet((), False):
            return "{ }"
        case AttrSet((Inherit(names, None, ""),), False):
            return f"{{ inherit {' '.join(map(attr_name, names))}; }}"
        case _:
            return None


def _flat_atom(expr: Expr) -> str | None:
    flat = _flat(expr)
    return None if flat is None else bracket(expr, flat)


def _side(outer: Binary, side: Expr, indent: str) -> str:
    return grouped(outer, side, render(side, indent))


def _operand(expr: Expr, indent: str) -> str:
    """An argument or element; what is broken is between the lines of its parentheses."""
    text = render(expr, indent)
    named = isinstance(expr, Func) and isinstance(expr.formals, str)
    if "\n" not in text or named or bracket(expr, text) == text:
        return bracket(expr, text)
    inner = indent + STEP
    return f"(\n{inner}{render(expr, inner)}\n{indent})"


def _str(expr: Str) -> str:
    out: list[str] = []
    for part in merged(expr.parts):
        if isinstance(part, str):
            out.append(escape(part))
            continue
        # A literal `$` right before an antiquotation would swallow it: `"$${x}"` is not what was meant.
        if out and out[-1].endswith("$"):
            out[-1] = out[-1][:-1] + "\\$"
        out.append("${" + render(part) + "}")
    return f'"{"".join(out)}"'


def _text(expr: Text, indent: str) -> str:
    """An indented string: the lines stand one step deeper than where the string begins."""
    pieces: list[str] = []
    for part in merged(expr.parts):
        if isinstance(part, str):
            pieces += indented(part)
            continue
        if pieces and pieces[-1].endswith("$"):
            pieces[-1:] = [pieces[-1][:-1], "''$"]
        pieces.append("${" + render(part) + "}")
    body = joined(pieces)
    if not body.strip(" \t\n") or body.startswith((" ", "\t")) or "\n " in body or "\n\t" in body:
        # Leading blanks are what the indented form takes away.
        return _str(Str(expr.parts))
    inner = indent + STEP
    *lines, last = [inner + line if line else "" for line in body.split("\n")]
    return "\n".join(["''", *lines, f"{last or indent}''"])


def _select(expr: Select, indent: str) -> str:
    head = render(expr.expr, indent)
    if not isinstance(expr.expr, Var | Select | AttrSet | Str) or (
        isinstance(expr.expr, Select) and expr.expr.default is not None
    ):
        head = f"({head})"
    text = head
    for part in expr.path:
        text += "." + (attr_name(part) if isinstance(part, str) else "${" + render(part, indent) + "}")
    if expr.default is None:
        return text
    flat = _flat_atom(expr.default)
    if flat is not None and len(indent) + len(text) + len(flat) + 4 <= WIDTH:
        return f"{text} or {flat}"
    inner = indent + STEP
    return f"{text}\n{inner}or {flat or _operand(expr.default, inner)}"


def _apply(expr: Apply, indent: str) -> str:
    """On one line but for a last argument that is broken; else what does not fit on lines of its own."""
    *front, last = (expr.function, *expr.arguments)
    heads = [_flat_atom(part) for part in front]
    if None not in heads:
        head = " ".join(text for text in heads if text)
        tail = _operand(last, indent)
        # A string cannot be broken: behind its function it is no longer than on a line of its own.
        string = isinstance(last, Str) and len(front) == 1
        if string or len(indent) + len(head) + 1 + len(tail.split("\n", 1)[0]) <= WIDTH:
            return f"{head} {tail}"
    inner = indent + STEP
    lines = [_operand(expr.function, indent)]
    for part in expr.arguments:
        flat = _flat_atom(part)
        if flat is not None and len(lines) == 1 and len(indent) + len(lines[0]) + 1 + len(flat) <= WIDTH:
            lines[0] += f" {flat}"
        else:
            lines.append(inner + (flat if flat is not None else _operand(part, inner)))
    return "\n".join(lines)


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
                lines.append(f"{indent}{name} ={_bound(expr, indent, len(name) + 4)};")
            case Inherit(names, source):
                origin = f" ({render(source, indent)})" if source is not None else ""
                listed = [attr_name(name) for name in names]
                line = f"{indent}inherit{origin} {' '.join(listed)};"
                if len(line) > WIDTH:
                    below = [f"{indent}{STEP}{name}" for name in (*listed, ";")]
                    line = "\n".join([f"{indent}inherit{origin}", *below])
                lines.append(line)
            case _:
                assert_never(bind)
    return lines


def _bound(expr: Expr, indent: str, taken: int) -> str:
    """What follows the ``=`` of a binding: next to it, or below it where it would be hard to read."""
    flat = _flat(expr)
    beside = render(expr, indent)
    if flat is not None and len(indent) + taken + len(flat) <= WIDTH:
        return f" {flat}"
    first, *more = beside.split("\n")
    long_first = len(indent) + taken + len(first) > WIDTH
    staircase = isinstance(expr, Apply) and bool(more) and more[-1].startswith(indent + STEP)
    if isinstance(expr, If) or (
        (long_first or staircase) and isinstance(expr, Apply | Binary | Select | Not)
    ):
        inner = indent + STEP
        return f"\n{inner}{render(expr, inner)}"
    return f" {beside}"


def _attrset(expr: AttrSet, indent: str) -> str:
    head = "rec {" if expr.rec else "{"
    return "\n".join([head, *_bindings(expr.binds, indent + STEP), f"{indent}}}"])


def _let(expr: Let, indent: str) -> str:
    lines = ["let", *_bindings(expr.binds, indent + STEP), f"{indent}in", indent + render(expr.body, indent)]
    return "\n".join(lines)


def _formal(formal: Formal, indent: str) -> list[str]:
    default = f" ? {render(formal.default, indent)}" if formal.default is not None else ""
    above = [indent + comment_line(formal.comment)] if formal.comment else []
    return [*above, f"{indent}{identifier(formal.name)}{default},"]


def _func(expr: Func, indent: str) -> str:
    body = render(expr.body, indent)
    if isinstance(expr.formals, str):
        return f"{identifier(expr.formals)}: {body}"
    inner = indent + STEP
    lines = ["{"]
    for formal in expr.formals:
        lines.extend(_formal(formal, inner))
    if expr.ellipsis:
        lines.append(f"{inner}...")
    return "\n".join([*lines, f"{indent}}}:", "", indent + body])
