"""Nix expressions as values, and the one renderer that turns them into text.

No other module escapes, quotes or indents Nix. https://nix.dev/manual/nix/stable/language/
"""

from __future__ import annotations

from uvlock2nix.nixlang.render import render, render_file
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
    attrs,
    call,
    select,
    string,
    uses,
    value,
)

__all__ = [
    "Apply",
    "Assert",
    "AttrSet",
    "Binary",
    "Bind",
    "Expr",
    "Formal",
    "Func",
    "If",
    "Inherit",
    "Item",
    "Let",
    "List",
    "Not",
    "Path",
    "Select",
    "Str",
    "Text",
    "Var",
    "attrs",
    "call",
    "render",
    "render_file",
    "select",
    "string",
    "uses",
    "value",
]
