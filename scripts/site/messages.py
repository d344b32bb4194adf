"""The reference page of errors: every one that the code can raise, with its hint, under an anchor of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from scripts.site.advice import advice
from scripts.site.markdown import code_cell, slug

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "uvlock2nix"
HEAD: Final = """\
# Every error

An error has one line `error:` (what went wrong, and where) and one line `hint:` (what to do). This page lists all of them, made
from the code: `…` stands for a name, a path or a number. [Troubleshooting](../troubleshooting.md) has more on the errors that
people meet most.

<p class="find-error" hidden>
<label for="printed">Paste what was printed:</label>
<textarea id="printed" rows="3" spellcheck="false"></textarea>
<output for="printed"></output>
</p>
<script src="../../assets/find-error.js" defer></script>
"""
# A hint has more words than this; shorter texts in those modules are something else.
LEAST_WORDS: Final = 4
# Part of the package → where its errors come from, in words.
PARTS: Final[Mapping[str, str]] = {
    "lock": "Reading the lock and the project",
    "artifacts": "Choosing files",
    "classify": "Deciding where packages come from",
    "inspect": "Inspecting sdists and wheels",
    "knowledge": "Native inputs",
    "nixpkgs_index": "The nixpkgs index",
    "app": "Commands",
    "cli": "The command line",
    "emit": "Writing Nix",
    "nixlang": "Writing Nix",
    "nixfile": "Reading Nix files",
    "nixrun": "Running Nix",
    "net": "The network",
    "build": "Building from source",
    "sync": "Installing, inside deps",
    "refs": "Store references",
    "venv": "Making environments",
    "dist": "Installed distributions",
    "verify": "Comparing builds",
    "": "Configuration, pins and plan",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One place that raises: the part of the package, the error's class, its exit code, what it says."""

    part: str
    module: str
    error: str
    code: int
    message: str
    hint: str

    @property
    def anchor(self) -> str:
        """The error's address on the page, from its fixed words."""
        return slug(self.message)[:80].strip("-")


@lru_cache(maxsize=1)
def classes() -> Mapping[str, int]:
    """Each class of errors → its exit code; those of one module as well as those of ``errors``."""
    codes: dict[str, int] = {}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))]
    found = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in range(6):
        for node in found:
            above = {base.id for base in node.bases if isinstance(base, ast.Name)}
            own = [one.value for one in node.body if _assigns(one, "exit_code")]  # type: ignore[attr-defined]
            if node.name == "Uvlock2nixError" or above & codes.keys():
                inherited = next((codes[name] for name in above if name in codes), 3)
                codes[node.name] = own[0].value if own and isinstance(own[0], ast.Constant) else inherited
    return codes


def _assigns(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name


@lru_cache(maxsize=1)
def messages() -> tuple[Message, ...]:
    """Every call of an error's class with a message that is written there, sorted by part and message."""
    found = {one for path in sorted(PACKAGE.rglob("*.py")) for one in _of_module(path)}
    order = list(PARTS)
    return tuple(sorted(found, key=lambda one: (order.index(one.part), one.message, one.hint, one.module)))


def _of_module(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    constants = {
        target.id: node.value
        for node in tree.body
        for target in _targets(node)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        if node.func.id not in classes():
            continue
        text = template(node.args[0], constants)
        if not any(letter.isalpha() for letter in text):
            continue
        hints = [template(key.value, constants) for key in node.keywords if key.arg == "hint"]
        part = parts[0] if len(parts) > 1 else ""
        yield Message(part, ".".join(parts), node.func.id, classes()[node.func.id], text, "".join(hints))


def problems() -> tuple[str, ...]:
    """The lines about a key that an error on a lock, a project or pylock.toml lists, sorted."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) > 1:
                text = template(node.args[-1], {})
                if node.func.attr == "add" and " " in text and slug(text):
                    found.add(text)
    return tuple(sorted(found))


def thrown() -> tuple[str, ...]:
    """What an evaluation prints: messages that emit writes into files, and those of nix/lib, sorted."""
    found = set()
    for path in sorted((PACKAGE / "emit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and len(node.values) > 1:
                first, second = node.values[:2]
                named = isinstance(first, ast.FormattedValue) and ast.unparse(first.value) == "plan.name"
                if named and isinstance(second, ast.Constant) and str(second.value).startswith(": "):
                    found.add(template(node, {}))
    for path in sorted((ROOT / "nix").rglob("*.nix")):
        for text in re.findall(r'throw\s+"((?:[^"\\]|\\.)+)"', path.read_text(encoding="utf-8")):
            found.add(re.sub(r"\$\{[^}]*\}", "…", text))
    return tuple(sorted(text for text in found if len(text) > 12))


def causes() -> tuple[str, ...]:
    """The hints on a build or an evaluation that failed, recognised from its last lines; sorted."""
    found = set()
    for path in (PACKAGE / "nixrun" / "hints.py", PACKAGE / "build" / "programs.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case (
                    ast.Call(func=ast.Name(id="Cause"), args=[text, *_])
                    | ast.Return(value=ast.expr() as text)
                ):
                    found.add(template(text, {}))
                case ast.Tuple(elts=[ast.Constant(value=str()), text]):
                    found.add(template(text, {}))
    return tuple(sorted(text for text in found if text.count(" ") > LEAST_WORDS))


def _targets(node: ast.stmt) -> Iterator[ast.Name]:
    if isinstance(node, ast.Assign):
        yield from (target for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target


def template(node: ast.expr, constants: Mapping[str, ast.expr]) -> str:
    """The fixed words of an expression, with ``…`` where something is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return " ".join(text.split(" "))
        case ast.JoinedStr(values=values):
            return "".join(template(value, constants) for value in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return template(left, constants) + template(right, constants)
        case ast.Name(id=name) if name in constants:
            return template(constants[name], {})
        case ast.IfExp(body=body, orelse=other):
            first, second = template(body, constants), template(other, constants)
            return first if first == second or not second else f"{first}/{second}" if first else second
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(glue)), attr="join"), args=[given]) if (
            isinstance(given, ast.Tuple | ast.List)
        ):
            return glue.join(template(one, constants) for one in given.elts)
        case _:
            return "…"


def _free(anchor: str, used: set[str]) -> str:
    """An anchor that nothing on the page has yet; it is taken from then on."""
    found, number = anchor, 2
    while found in used:
        found, number = f"{anchor}-{number}", number + 1
    used.add(found)
    return found


def _item(text: str, used: set[str]) -> str:
    anchor = _free(slug(text)[:80].strip("-"), used)
    return f'- <a id="{anchor}"></a>{code_cell(text)} · [¶](#{anchor}){_more(text)}'


def _more(*templates: str) -> str:
    """A link to the advice on an error, where the page Troubleshooting quotes it."""
    found = next(filter(None, map(advice, templates)), None)
    return f" · [advice](../troubleshooting.md#{found})" if found else ""


def page() -> str:
    """A heading for each part, an anchor for each error."""
    parts, used, before = [HEAD], set[str](), ""
    for one in messages():
        title = PARTS[one.part]
        if title != before:
            parts.append(f"\n## {title}\n")
            before = title
        anchor = _free(one.anchor or slug(one.module), used)
        parts.append(f'- <a id="{anchor}"></a>{code_cell("error: " + one.message)}')
        if one.hint.strip("…"):
            parts.append(f"  <br>{code_cell('hint: ' + one.hint)}")
        parts.append(f"  <br>exit code {one.code} · [¶](#{anchor}){_more(one.message, one.hint)}")
    parts.append(
        "\n## Hints on a failed build\n\nRecognised from its last lines. Exit code 4, or 5 for the network.\n"
    )
    parts += [_item(text, used) for text in causes()]
    parts.append(
        "\n## Lines about a key\n\nAn error on a lock or a project lists one for each key. Exit code 3.\n"
    )
    parts += [_item(text, used) for text in problems()]
    parts.append("\n## Printed by Nix\n\nGenerated files and the library stop an evaluation with these.\n")
    parts += [_item(text, used) for text in thrown()]
    return "\n".join(parts) + "\n"
