"""Which lines of a build script run on Linux by default, decided without running it.

The script is parsed, never executed. Conditions are followed through names that are assigned once; what
cannot be decided counts as "perhaps".
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from uvlock2nix.inspect.build_conditions import Conditions, path_of
from uvlock2nix.regex import regex

# Generated text can make a parser work hard.
MAX_TEXT: Final = 400_000
MAX_DEPTH: Final = 60
MAX_NODES: Final = 150_000
MAX_USES: Final = 100


@dataclass(frozen=True, slots=True)
class Branches:
    """Lines (1-based) that never run, and lines that run under a condition that cannot be determined.

    ``strings`` maps names to the strings, with their lines, in the values assigned to them.
    """

    dead: frozenset[int] = frozenset()
    perhaps: frozenset[int] = frozenset()
    strings: Mapping[str, tuple[tuple[int, str], ...]] | None = None


def certain_text(text: str) -> str:
    """The script without lines that do not run, or only perhaps."""
    judged = branches(text)
    lines = enumerate(text.split("\n"), 1)
    return "\n".join("" if n in judged.dead or n in judged.perhaps else line for n, line in lines)


@lru_cache(maxsize=4)
def branches(text: str) -> Branches:
    """Analyse a script; in a text that is not valid Python 3 (or malicious), all lines count as run."""
    if len(text) > MAX_TEXT or "\0" in text or _depth(text) > MAX_DEPTH:
        return Branches()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        return _Judge(tree).result()
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return Branches()


def _depth(text: str) -> int:
    """An upper bound for the depth of the tree: brackets, indentation, chains of operators or elif."""
    deepest = depth = 0
    for char in text:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth = max(0, depth - 1)
    return deepest


# A function, a class or a file for a different system, by its name.
OTHER_SYSTEM: Final = regex(
    r"(?:^|_)(?:win|win32|windows|darwin|macosx?|osx|mac|msys2?|mingw\w*|msvc|cygwin|android|ios)(?:_|\.|\Z)"
    r"|\A(?:Windows|Win32|MSVC|MacOS|Darwin)",
    re.IGNORECASE,
)


class _Judge:
    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._conditions = Conditions()
        self._strings: dict[str, list[tuple[int, str]]] = {}
        self._dead: set[int] = set()
        self._perhaps: set[int] = set()
        self._options: set[int] = set()
        self._functions: list[ast.FunctionDef | ast.ClassDef] = []
        self._uses: dict[str, set[int]] = {}
        for count, node in enumerate(ast.walk(tree)):
            if count > MAX_NODES:
                raise ValueError("too big")
            self._note(node)
            self._use(node)

    def result(self) -> Branches:
        """Analyse the whole script."""
        self._block(self._tree.body)
        self._uncalled()
        self._dead |= self._options
        strings = {
            name: tuple((line, text) for line, text in found if line not in self._dead)[:50]
            for name, found in self._strings.items()
        }
        return Branches(frozenset(self._dead), frozenset(self._perhaps - self._dead), strings)

    # --- names ----------------------------------------------------------------------------------------

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt) and node.lineno in self._options:
            return
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, value)
            case ast.AnnAssign(target=target, value=value):
                self._bind(target, value)
            case ast.AugAssign(target=target, value=value):
                self._bind(target, value, whole=False)
            case ast.For(target=target) | ast.comprehension(target=target):
                self._bind(target, None)
                if isinstance(node, ast.For):
                    self._argument_loop(node)
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                self._conditions.assigned.setdefault(name, []).append(None)
            case ast.FunctionDef(name=name, body=body):
                returned = [
                    part.value for inner in body for part in ast.walk(inner) if isinstance(part, ast.Return)
                ]
                for value in returned:
                    if value is not None:
                        self._strings.setdefault(name, []).extend(_strings_of(value))
            case ast.withitem(optional_vars=ast.expr() as target):
                self._bind(target, None)
            case _:
                pass

    def _argument_loop(self, node: ast.For) -> None:
        """Ignore assignments while the command line is parsed, because no options are given."""
        if "argv" in "".join(path_of(part) for part in ast.walk(node.iter) if isinstance(part, ast.expr)):
            self._mark(node.body, self._options)

    def _bind(self, target: ast.expr, value: ast.expr | None, *, whole: bool = True) -> None:
        for part in ast.walk(target):
            name = path_of(part) if isinstance(part, ast.Name | ast.Attribute) else ""
            if name:
                self._conditions.assigned.setdefault(name, []).append(
                    value if part is target and whole else None
                )
                if part is target and value is not None:
                    self._strings.setdefault(name, []).extend(_strings_of(value))

    # --- statements -----------------------------------------------------------------------------------

    def _block(self, body: Sequence[ast.stmt]) -> None:
        for position, node in enumerate(body):
            match node:
                case ast.If(test=test, body=then, orelse=otherwise):
                    known = self._conditions.truth(test)
                    if known is None:  # the library in the condition is optional
                        self._perhaps.update(range(test.lineno, (test.end_lineno or test.lineno) + 1))
                    self._branch(then, known)
                    self._branch(otherwise, None if known is None else not known)
                    if (known is True and _leaves(then)) or (known is False and _leaves(otherwise)):
                        self._mark(body[position + 1 :], self._dead)
                        return
                case ast.Try(body=tried, handlers=handlers, orelse=otherwise, finalbody=final):
                    self._block([*tried, *otherwise, *final])
                    for handler in handlers:
                        self._mark(handler.body, self._perhaps)
                        self._block(handler.body)
                case ast.For(body=inner, orelse=rest) | ast.While(body=inner, orelse=rest):
                    self._block([*inner, *rest])
                case ast.ClassDef(name=name, body=inner) | ast.FunctionDef(name=name, body=inner):
                    if OTHER_SYSTEM.search(name):
                        self._mark([node], self._dead)
                    self._block(inner)
                case ast.With(body=inner):
                    self._block(inner)
                case _:
                    pass

    def _branch(self, body: Sequence[ast.stmt], known: bool | None) -> None:
        if known is False:
            self._mark(body, self._dead)
            return
        if known is None:
            self._mark(body, self._perhaps)
        self._block(body)

    @staticmethod
    def _mark(body: Sequence[ast.stmt], lines: set[int]) -> None:
        for node in body:
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))

    def _use(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                self._uses.setdefault(name, set()).add(node.lineno)
            case ast.keyword(arg=str(name)):
                self._uses.setdefault(name, set()).add(node.value.lineno)
            case ast.FunctionDef() | ast.ClassDef():
                self._functions.append(node)
            case _:
                pass

    def _uncalled(self) -> None:
        """Mark functions that are called only from lines that never run."""
        for _ in range(3):
            weak = self._dead | self._perhaps
            for function in self._functions:
                uses = self._uses.get(function.name, set())
                if not 0 < len(uses) <= MAX_USES:
                    continue
                own = range(function.lineno, (function.end_lineno or function.lineno) + 1)
                called = {line for line in uses if line not in own}
                if called and called <= self._dead:
                    self._mark([function], self._dead)
                elif called and called <= weak:
                    self._mark([function], self._perhaps)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether a block ends by leaving the enclosing one."""
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def _strings_of(node: ast.expr) -> Iterator[tuple[int, str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) <= 60:
            yield part.lineno, part.value
