"""Strings ``"…"`` and ``''…''`` as text; interpolations are rendered by the caller."""

from __future__ import annotations

from collections.abc import Callable

from uvlock2nix.nixlang.operators import merged
from uvlock2nix.nixlang.tree import Expr, Str, Text
from uvlock2nix.nixlang.words import escape, indented, joined

STEP = "  "


def plain_string(expr: Str, inner: Callable[[Expr], str]) -> str:
    """``"…"``; ``inner`` renders interpolations, on one line."""
    out: list[str] = []
    for part in merged(expr.parts):
        if isinstance(part, str):
            out.append(escape(part))
            continue
        # A literal `$` before an interpolation would escape it, as in `"$${x}"`.
        if out and out[-1].endswith("$"):
            out[-1] = out[-1][:-1] + "\\$"
        out.append("${" + inner(part) + "}")
    return f'"{"".join(out)}"'


def indented_string(expr: Text, indent: str, inner: Callable[[Expr], str]) -> str:
    """An indented string, with its lines one step deeper than its first line."""
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
        # The indented form would strip leading spaces.
        return plain_string(Str(expr.parts), inner)
    deeper = indent + STEP
    *lines, last = [deeper + line if line else "" for line in body.split("\n")]
    return "\n".join(["''", *lines, f"{last or indent}''"])
