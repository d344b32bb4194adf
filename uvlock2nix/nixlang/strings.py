"""Strings ``"…"`` and ``''…''`` as text; what is interpolated is rendered by the caller."""

from __future__ import annotations

from collections.abc import Callable

from uvlock2nix.nixlang.operators import merged
from uvlock2nix.nixlang.tree import Expr, Str, Text
from uvlock2nix.nixlang.words import escape, indented, joined

STEP = "  "


def plain_string(expr: Str, inner: Callable[[Expr], str]) -> str:
    """``"…"``; ``inner`` renders what is interpolated, on one line."""
    out: list[str] = []
    for part in merged(expr.parts):
        if isinstance(part, str):
            out.append(escape(part))
            continue
        # A literal `$` right before an antiquotation would swallow it: `"$${x}"` is not what was meant.
        if out and out[-1].endswith("$"):
            out[-1] = out[-1][:-1] + "\\$"
        out.append("${" + inner(part) + "}")
    return f'"{"".join(out)}"'


def indented_string(expr: Text, indent: str, inner: Callable[[Expr], str]) -> str:
    """An indented string: the lines stand one step deeper than where the string begins."""
    pieces: list[str] = []
    for part in merged(expr.parts):
        if isinstance(part, str):
            pieces += indented(part)
            continue
        if pieces and pieces[-1].endswith("$"):
            pieces[-1:] = [pieces[-1][:-1], "''$"]
        pieces.append("${" + inner(part) + "}")
    body = joined(pieces)
    if not body.strip(" \t\n") or body.startswith((" ", "\t")) or "\n " in body or "\n\t" in body:
        # Leading blanks are what the indented form takes away.
        return plain_string(Str(expr.parts), inner)
    deeper = indent + STEP
    *lines, last = [deeper + line if line else "" for line in body.split("\n")]
    return "\n".join(["''", *lines, f"{last or indent}''"])
