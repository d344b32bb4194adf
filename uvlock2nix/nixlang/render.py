"""The renderer: the only code that escapes, quotes or indents Nix."""

from __future__ import annotations

import re
from typing import Final, assert_never

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

WIDTH: Final = 100
STEP: Final = "  "
IDENTIFIER: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_'-]*\Z")
KEYWORDS: Final = frozenset(
    ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"],
)
OPERATORS: Final = frozenset(["+", "++", "//", "==", "!=", "&&", "||", "->"])
PLAIN_PATH_PART: Final = re.compile(r"[a-zA-Z0-9_+-][a-zA-Z0-9._+-]*\Z")
# C0 and C1 controls, line and paragraph separators, and what turns the direction of text:
# none of them may reach a comment, where nothing can be escaped.
UNSAFE_IN_COMMENT: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
)


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
            left, right = _side(expr, expr.left, indent), _side(expr, expr.right, indent)
            return f"{left}\n{indent}{_operator(expr)} {right}"
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


def comment_line(text: str) -> str:
    """``# text``, whatever the text: controls and line ends become one blank."""
    return f"# {UNSAFE_IN_COMMENT.sub(' ', text)}".rstrip()


def attr_name(name: str) -> str:
    """An attribute name, quoted where it must be."""
    return name if IDENTIFIER.match(name) and name not in KEYWORDS else _quote(name)


def _flat(expr: Expr) -> str | None:
    """The expression on one line, or ``None`` where it must not be."""
    match expr:
        case Var(name):
            return _identifier(name)
        case bool():
            return "true" if expr else "false"
        case int():
            return str(expr) if expr >= 0 else f"({expr})"
        case None:
            return "null"
        case Str():
            return _str(expr)
        case Path():
            return _path(expr)
        case List(items, broken):
            return _flat_list(items, broken=broken)
        case AttrSet(binds, rec):
            return "{ }" if not binds and not rec else None
        case Select():
            return _select(expr, "")
        case Apply(function, arguments):
            parts = [_flat_atom(part) for part in (function, *arguments)]
            return None if None in parts else " ".join(part for part in parts if part)
        case Binary(_, left, right):
            sides = [(_flat(side), side) for side in (left, right)]
            texts = [None if text is None else _grouped(expr, side, text) for text, side in sides]
            return None if None in texts else f"{texts[0]} {_operator(expr)} {texts[1]}"
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
    if broken or any(item.comment for item in items):
        return None
    parts = [_flat_atom(item.expr) for item in items]
    return None if None in parts else f"[ {' '.join(part for part in parts if part)} ]"


def _flat_atom(expr: Expr) -> str | None:
    flat = _flat(expr)
    return None if flat is None else _bracket(expr, flat)


def _bracket(expr: Expr, text: str) -> str:
    """Parentheses around what does not hold together as an operand."""
    loose = isinstance(expr, Apply | Binary | Not | If | Let | Func | Assert)
    loose = loose or (isinstance(expr, Select) and expr.default is not None)
    return f"({text})" if loose else text


def _grouped(outer: Binary, side: Expr, text: str) -> str:
    """Parentheses around an operand of an operator that does not bind tighter than the operator."""
    if isinstance(side, Apply | Not) or (isinstance(side, Select) and side.default is None):
        return text
    if isinstance(side, Binary) and _binds(side.operator) > _binds(outer.operator):
        return text
    if isinstance(side, Binary) and side.operator == outer.operator in {"++", "&&", "||"}:
        return text
    return _bracket(side, text)


def _side(outer: Binary, side: Expr, indent: str) -> str:
    return _grouped(outer, side, render(side, indent))


def _binds(operator: str) -> int:
    """How tight an operator binds; https://nix.dev/manual/nix/stable/language/operators."""
    return {"++": 6, "+": 5, "//": 4, "==": 3, "!=": 3, "&&": 2, "||": 1, "->": 0}[operator]


def _operand(expr: Expr, indent: str) -> str:
    return _bracket(expr, render(expr, indent))


def _operator(expr: Binary) -> str:
    if expr.operator not in OPERATORS:
        raise ValueError(f"not an operator: {expr.operator!r}")
    return expr.operator


def _identifier(name: str) -> str:
    if not IDENTIFIER.match(name) or name in KEYWORDS:
        raise ValueError(f"not a Nix identifier: {name!r}")
    return name


def _quote(text: str) -> str:
    return f'"{_escape(text)}"'


def _escape(text: str) -> str:
    """Escapes of a ``"…"`` string; a NUL cannot stand in one."""
    if "\0" in text:
        raise ValueError("a Nix string cannot hold a NUL")
    for char, escaped in (
        ("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"),
    ):  # fmt: skip
        text = text.replace(char, escaped)
    # `$` before any brace: `$${` would read as a literal `$` and an antiquotation-free `${`.
    return text.replace("${", "\\${")


def _str(expr: Str) -> str:
    out: list[str] = []
    for part, following in zip(expr.parts, [*expr.parts[1:], ""], strict=True):
        if isinstance(part, str):
            text = _escape(part)
            # A literal `$` right before an antiquotation would swallow it: `"$${x}"` is not what was meant.
            if text.endswith("$") and not isinstance(following, str):
                text = text[:-1] + "\\$"
            out.append(text)
        else:
            out.append("${" + render(part) + "}")
    return f'"{"".join(out)}"'


def _text(expr: Text, indent: str) -> str:
    """An indented string: the lines stand one step deeper than where the string begins."""
    out: list[str] = []
    for part, following in zip(expr.parts, [*expr.parts[1:], ""], strict=True):
        if isinstance(part, str):
            if "\0" in part:
                raise ValueError("a Nix string cannot hold a NUL")
            text = part.replace("''", "'''").replace("${", "''${").replace("\r", "''\\r")
            if text.endswith("$") and not isinstance(following, str):
                text = text[:-1] + "''$"
            out.append(text)
        else:
            out.append("${" + render(part) + "}")
    body = "".join(out)
    if body.startswith((" ", "\t")) or "\n " in body or "\n\t" in body:
        # Leading blanks are what the indented form takes away.
        return _str(Str(expr.parts))
    inner = indent + STEP
    lines = [inner + line if line else "" for line in body.rstrip("\n").split("\n")]
    end = f"\n{indent}''" if body.endswith("\n") else "''"
    return "''\n" + "\n".join(lines) + end


def _path(expr: Path) -> str:
    prefix = "../" * expr.up or "./"
    if not expr.parts:
        return f"{prefix}."
    if all(PLAIN_PATH_PART.match(part) for part in expr.parts):
        return prefix + "/".join(expr.parts)
    # A name that a path literal cannot spell is appended as a string.
    return f"({prefix}. + {_quote('/' + '/'.join(expr.parts))})"


def _select(expr: Select, indent: str) -> str:
    head = render(expr.expr, indent)
    if not isinstance(expr.expr, Var | Select | AttrSet | Str) or (
        isinstance(expr.expr, Select) and expr.expr.default is not None
    ):
        head = f"({head})"
    text = head
    for part in expr.path:
        text += "." + (attr_name(part) if isinstance(part, str) else "${" + render(part, indent) + "}")
    if expr.default is not None:
        text += f" or {_operand(expr.default, indent)}"
    return text


def _apply(expr: Apply, indent: str) -> str:
    """On one line but for a last argument that is broken; else every argument on a line of its own."""
    *front, last = (expr.function, *expr.arguments)
    heads = [_flat_atom(part) for part in front]
    if None not in heads:
        head = " ".join(text for text in heads if text)
        tail = _operand(last, indent)
        if len(indent) + len(head) + 1 + len(tail.split("\n", 1)[0]) <= WIDTH:
            return f"{head} {tail}"
    inner = indent + STEP
    first = _operand(expr.function, indent)
    return "\n".join([first, *(f"{inner}{_operand(part, inner)}" for part in expr.arguments)])


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
                lines.append(f"{indent}{name} = {render(expr, indent)};")
            case Inherit(names, source):
                origin = f" ({render(source, indent)})" if source is not None else ""
                listed = " ".join(attr_name(name) for name in names)
                lines.append(f"{indent}inherit{origin} {listed};")
            case _:
                assert_never(bind)
    return lines


def _attrset(expr: AttrSet, indent: str) -> str:
    head = "rec {" if expr.rec else "{"
    return "\n".join([head, *_bindings(expr.binds, indent + STEP), f"{indent}}}"])


def _let(expr: Let, indent: str) -> str:
    lines = ["let", *_bindings(expr.binds, indent + STEP), f"{indent}in", indent + render(expr.body, indent)]
    return "\n".join(lines)


def _formal(formal: Formal, indent: str) -> list[str]:
    default = f" ? {render(formal.default, indent)}" if formal.default is not None else ""
    above = [indent + comment_line(formal.comment)] if formal.comment else []
    return [*above, f"{indent}{_identifier(formal.name)}{default},"]


def _func(expr: Func, indent: str) -> str:
    body = render(expr.body, indent)
    if isinstance(expr.formals, str):
        return f"{_identifier(expr.formals)}: {body}"
    inner = indent + STEP
    lines = ["{"]
    for formal in expr.formals:
        lines.extend(_formal(formal, inner))
    if expr.ellipsis:
        lines.append(f"{inner}...")
    return "\n".join([*lines, f"{indent}}}:", "", indent + body])
