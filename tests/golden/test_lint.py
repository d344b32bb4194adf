"""What deadnix and statix report, as far as their rules can be read in a text: the goldens have none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOLDENS = sorted(HERE.glob("*/*.nix"))
WORD = r"[a-zA-Z_][\w'-]*"


def code(text: str) -> str:
    """The text without comments, and of strings only what is interpolated."""
    lines = [re.sub(r"(^|\s)#( .*)?$", "", line) for line in text.splitlines()]
    return re.sub(
        r'"(?:[^"\\]|\\.)*"',
        lambda found: '"' + " ".join(re.findall(r"\$\{([^}]*)\}", found[0])) + '"',
        "\n".join(lines),
    )


def bound(text: str) -> list[str]:
    """The arguments of the function and the names of the outermost `let`."""
    head = re.search(r"^\{\n(.*?)^\}:", text, re.DOTALL | re.MULTILINE)
    block = re.search(r"^let\n(.*?)^in$", text, re.DOTALL | re.MULTILINE)
    names = re.findall(rf"^  ({WORD})(?: \?.*)?,$", head[1], re.MULTILINE) if head else []
    inside = block[1] if block else ""
    names += re.findall(rf"^  ({WORD}) =", inside, re.MULTILINE)
    for listed in re.findall(rf"^  inherit (?:\([^)]*\) )?((?:{WORD} ?)+);", inside, re.MULTILINE):
        names += listed.split()
    return names


def unused(text: str) -> list[str]:
    """deadnix: what is bound and never used; a name with an underscore says that it is not."""
    plain = code(text)
    names = bound(plain)
    single = re.findall(rf"(?<![\w.'-])({WORD}): ", plain)
    count = {
        name: len(re.findall(rf"(?<![\w'-]){re.escape(name)}(?![\w'-])", plain)) for name in names + single
    }
    return [name for name, found in count.items() if found < 2 and not name.startswith("_")]


def patterns(text: str) -> list[str]:
    """statix: what could be written in a plainer way."""
    plain = code(text)
    rules = {
        "inherit": rf"^\s*({WORD}) = \1;",
        "inherit from": rf"^\s*({WORD}) = [\w.'-]+\.\1;",
        "empty inherit": r"\binherit(?: \([^)]*\))?\s*;",
        "empty let": r"\blet\s+in\b",
        "let in let": r"\bin\s+let\b",
        "empty list": r"\[ \]\s*\+\+|\+\+\s*\[ \]",
        "comparison with a boolean": r"[!=]= (?:true|false)\b",
        "negated comparison": r"!\([^()]* [!=]= [^()]*\)",
        "parentheses": rf"= \((?:{WORD}|[^()]*\bthrow\b[^()]*)\);",
        "function that only calls": rf"\b({WORD}): [\w.]+ \1\s*[;)]",
        "empty pattern": r"\{ \.\.\. \}:",
    }
    return [name for name, rule in rules.items() if re.search(rule, plain, re.MULTILINE)]


@pytest.mark.parametrize("path", GOLDENS, ids=[f"{path.parent.name}-{path.stem}" for path in GOLDENS])
def test_nothing_is_unused_and_nothing_is_roundabout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(bound(code(text))) >= 3
    assert unused(text) == []
    assert patterns(text) == []


@pytest.mark.parametrize(
    ("text", "found", "roundabout"),
    [
        ("{\n  lib,\n  stdenv,\n}:\n\nstdenv.x", ["lib"], []),
        ('let\n  a = 1;\n  b = a;\n  c = "${b}"; # c\nin\n{ }', ["c"], []),
        ("let\n  inherit (x) a b;\nin\na", ["b"], []),
        ("{ a = map (one: 1); b = f (_two: 2); }", ["one"], []),
        ("{\n  buildInputs = deps.buildInputs;\n}", [], ["inherit from"]),
        ("{\n  a = a;\n  c = [ ] ++ d;\n}", [], ["inherit", "empty list"]),
        ("{ a = map (x: lib.f x) c; }", [], ["function that only calls"]),
    ],
)
def test_the_rules_find_what_they_must(text: str, found: list[str], roundabout: list[str]) -> None:
    assert (unused(text), patterns(text)) == (found, roundabout)
