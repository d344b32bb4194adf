"""Plain English in what people read: messages, comments, docstrings and pages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
# Pattern → what to write instead. Put together here, so that this file does not hold them either.
WORDS = {
    rf"\b{'sha'}ll\b": "should, must or will",
    rf"\b(is|are|was|were) {'to'}ld\b(?! to| apart| about| what| by)": "reported",
    rf"\bmade {'an'}ew\b|\bwritten {'an'}ew\b|\bbegins {'an'}ew\b": "again",
    rf"\b{'who'}se it (is|shall|should)\b": "which package wins, or to which package it belongs",
    rf"\bforbids {'to'}\b": "forbids …ing",
    rf"\bbelongs {'in'}to\b": "belongs in",
    rf"\bis {'an'}other\b(?! (process|run)\b)": "is different, is a different …",
    rf"\bcannot be {'ha'}d\b": "cannot be downloaded, does not exist",
    rf"\b{'some'}body\b|\b{'every'}body\b": "someone, everyone, the user",
    rf", {'ba'}r (the|those|that)\b": "except",
    rf"\bin the {'pla'}ce of\b": "in place of, instead of",
    rf"\bhand(s|ed|ing)? {'ov'}er\b": "pass",
    rf"\bside by {'si'}de\b": "in parallel",
    rf"\boutside {'o'}f\b": "outside",
    rf"\bwritten {'do'}wn\b|\bwrites? {'do'}wn\b": "recorded",
    rf"\bputs? (it |them |that )?{'ba'}ck\b": "restore",
    rf"\b(is|are|was|were) (not )?{'loo'}ked at\b": "is read, is checked",
    rf"\b(is|are) there {'alre'}ady\b": "already exists",
    rf"\bneed not be {'fou'}nd\b": "may be missing",
    rf"\b{'ad'}mits?\b": "allows",
    rf"\bthe {'ve'}ry (file|package|wheel|path|hash|version)\b": "that, the same",
    rf"\bone a {'li'}ne\b|\bonce a {'pro'}cess\b": "one per line, once per process",
    rf"\b{'ma'}de again\b": "built, computed or created again",
    rf"\bwhat is {'sa'}id\b": "the setting, the entry",
    rf"\bgives? {'wa'}y\b": "is replaced, loses",
}


def texts_of_python(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each comment and each string, docstrings included."""
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """What a person reads of a file; of Nix and shell the comments, of a page everything but code."""
    if path.suffix == ".py":
        yield from texts_of_python(path)
        return
    code = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if path.suffix == ".md" and line.lstrip().startswith("```"):
            code = not code
        if path.suffix == ".md" and not code:
            yield number, line
        elif path.suffix in (".sh", ".nix") and "#" in line:
            yield number, line[line.index("#") :]


def readable() -> Iterator[Path]:
    for folder in ("uvlock2nix", "hooks", "nix", "docs", "templates"):
        for path in sorted((REPO / folder).rglob("*")):
            if path.suffix in (".py", ".sh", ".nix", ".md"):
                yield path
    yield from (REPO / "README.md", REPO / "CONTRIBUTING.md", REPO / "CHANGELOG.md")


def test_nothing_reads_translated() -> None:
    found = [
        f"{path.relative_to(REPO)}:{line}: `{hit[0]}`: write {better}"
        for path in readable()
        for line, text in texts(path)
        for pattern, better in WORDS.items()
        for hit in [re.search(pattern, text)]
        if hit
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "# It {}ll be so.\n".format("sha")),
        ("a.py", '"""What the user is {}ld."""\n'.format("to")),
        ("a.py", 'raise ValueError(f"{x} was made ' + "an" + 'ew")\n'),
        ("a.md", "The lock is " + "an" + "other.\n"),
        ("a.sh", "true # " + "who" + "se it shall be\n"),
        ("a.md", "A file that cannot be " + "had.\n"),
        ("a.sh", "true # in the pla" + "ce of a file\n"),
        ("a.py", "# All files, ba" + "r those.\n"),
    ],
)
def test_the_patterns_are_found(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert [1 for _, line in texts(tmp_path / name) for pattern in WORDS if re.search(pattern, line)]


def test_code_in_pages_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("```\nit " + "sha" + "ll\n```\nfine\n")
    assert "fine" in [text for _, text in texts(page)]
    assert not [text for _, text in texts(page) if "it " in text]
