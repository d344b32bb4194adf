"""What is written is what Nix reads: strings, names, comments and paths, however hostile."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.stand import REPO, Stand, require_stand
from uvlock2nix.errors import InputError
from uvlock2nix.nixlang import (
    Apply,
    AttrSet,
    Bind,
    Expr,
    Formal,
    Func,
    Inherit,
    Item,
    Let,
    List,
    Path,
    Select,
    Str,
    Text,
    Var,
    attrs,
    call,
    render,
    render_file,
    string,
    value,
)

# What has a meaning somewhere in Nix, and other things that a text may hold.
PIECES = (
    '"', "\\", "$", "{", "}", "${", "${x}", "$${", "'", "''", "'''", "''$", "''${", "''\\n", "\\${", "\n",
    "\r", "\t", " ", "  ", "\n  ", "\n\t", "\r\n", "#", "/*", "*/", ";", "@", "\x01", "\x1b[31m", "\x7f",
    "\x85",
    "\u2028", "\u2029", "\u202e", "é", "𝕏", "or", "with", "a.b", "-", "../", "~", "<nixpkgs>",
)  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(LETTERS, max_size=4)), max_size=8).map("".join)
BATCH = st.lists(TEXTS, min_size=20, max_size=80)
# Each example is one call of Nix over a whole batch of texts.
FEW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)


@pytest.fixture(scope="module")
def stand() -> Stand:
    return require_stand("forky")


def evaluate(stand: Stand, text: str) -> object:
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "-"]
    return json.loads(stand.run(argv, input=text).stdout)


def evaluated(stand: Stand, expressions: Sequence[Expr]) -> object:
    return evaluate(stand, render_file(List(tuple(Item(one) for one in expressions), broken=True)))


def deep(expr: Expr) -> Expr:
    """The same value, rendered some steps deeper."""
    return Select(AttrSet((Bind(("outer", "inner"), expr, "a comment"),)), ("outer", "inner"))


@pytest.mark.stand
@FEW
@given(BATCH)
@example(
    ["it's'", "''", "'", "a'${x}", "'\r", "a\n\n", "\n", "$", "$$", "$${x}", "''\\", "\\", '"', "x\n y", ""]
)
def test_strings(stand: Stand, texts: list[str]) -> None:
    written: list[Expr] = []
    for text in texts:
        written += [string(text), Text((text,)), deep(Text((text,))), deep(string(text)), value([text])]
    assert evaluated(stand, written) == [form for t in texts for form in (t, t, t, t, [t])]


@pytest.mark.stand
@FEW
@given(BATCH)
@example(["$", "$$", "'", "''", "'$", "''$", "{", "", "\\", "\n"])
def test_strings_with_holes(stand: Stand, texts: list[str]) -> None:
    """A text before, between and behind antiquotations, and texts side by side."""
    hole = string("<'${\n>")
    written: list[Expr] = []
    for text in texts:
        for kind in (Str, Text):
            written += [
                kind((text, hole, text)),
                kind((text, "", hole)),
                kind(("$", text)),
                kind(("'", text)),
            ]
    h = "<'${\n>"
    expected = [form for t in texts for form in (t + h + t, t + h, "$" + t, "'" + t) * 2]
    assert evaluated(stand, written) == expected


@pytest.mark.stand
@FEW
@given(st.lists(TEXTS, min_size=10, max_size=40, unique=True))
@example(["or", "if", "a.b", "", "a b", "1a", "a'", "_", "-a", "rec", "__functor", "${x}"])
def test_attribute_names(stand: Stand, names: list[str]) -> None:
    made = attrs((name, string(name)) for name in names)
    nested = AttrSet((Bind(("outer", names[0]), 1), Bind(("outer", f"{names[0]}2"), 2)))
    picked = List(tuple(Item(Select(made, (name,))) for name in names))
    default = Select(AttrSet(()), (names[0],), string("default"))
    inherited = AttrSet((Inherit(tuple(names), made),))
    found = evaluated(stand, [made, nested, picked, default, inherited])
    same = {name: name for name in names}
    assert found == [same, {"outer": {names[0]: 1, f"{names[0]}2": 2}}, names, "default", same]


@pytest.mark.stand
@FEW
@given(BATCH)
@example(["*/ 1", "\n1", "\r1", "\u2028 1", "\\\n1", "''", '"', "${x}", "\x85"])
def test_nothing_breaks_out_of_a_comment(stand: Stand, comments: list[str]) -> None:
    items = List(tuple(Item(number, comment) for number, comment in enumerate(comments)))
    binds = AttrSet(tuple(Bind((f"a{n}",), n, comment) for n, comment in enumerate(comments)))
    formals = tuple(Formal(f"a{n}", n, comment) for n, comment in enumerate(comments))
    function = Func(formals, List(tuple(Item(Var(formal.name)) for formal in formals)))
    let = Let((Inherit(("a0",), binds, comments[0]),), Var("a0"))
    body = List((Item(items), Item(binds), Item(Apply(function, (AttrSet(()),))), Item(let)), broken=True)
    numbers = list(range(len(comments)))
    expected = [numbers, {f"a{n}": n for n in numbers}, numbers, 0]
    assert evaluate(stand, render_file(body, tuple(comments))) == expected


FILE_NAMES = TEXTS.map(lambda text: text.replace("/", "")).filter(lambda name: name not in ("", ".", ".."))


@pytest.mark.stand
@FEW
@given(st.lists(FILE_NAMES, min_size=10, max_size=40))
@example([".git", "a b", "${x}", "-", "a:b", "~", "..a", "...", "é", "a.", "@", "#", "<x>"])
def test_paths(stand: Stand, names: list[str]) -> None:
    written: list[Expr] = []
    for name in names:
        written += [
            call("toString", Path(0, (name,))),
            call("toString", Path(1, (name, "x"))),
            Path(1, ("d", name)),
        ]
    found = evaluated(stand, [call("map", Var("toString"), List(tuple(map(Item, written))))])
    above = str(REPO.parent)
    assert found == [[p for n in names for p in (f"{REPO}/{n}", f"{above}/{n}/x", f"{above}/d/{n}")]]


@pytest.mark.stand
def test_the_folders_themselves(stand: Stand) -> None:
    written = [call("toString", Path(up, ())) for up in (0, 1)]
    assert evaluated(stand, written) == [str(REPO), str(REPO.parent)]


@pytest.mark.parametrize("part", ["..", ".", "", "a/b", "../x"])
def test_a_path_never_leaves_by_a_part(part: str) -> None:
    with pytest.raises(InputError, match="is not a plain path"):
        render(Path(1, ("a", part)))


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "caf\udce9"])
@pytest.mark.parametrize("kind", [Str, Text])
def test_what_nix_cannot_hold_is_refused(text: str, kind: type[Str | Text]) -> None:
    with pytest.raises(InputError, match="which Nix cannot represent"):
        render(kind((text,)))
    with pytest.raises(InputError):
        render(AttrSet((Bind((text,), 1),)))
    with pytest.raises(InputError):
        render(Path(0, (text,)))
    # A comment is for people: there it is a blank.
    assert render_file(1, (f"x{text}x",)).isprintable() or "\n1\n" in render_file(1, (f"x{text}x",))
    render_file(1, (text,)).encode()


@pytest.mark.parametrize("name", ["or", "with", "a b", "a.b", "", "1a", "é", "a\n", "${x}", 'a"', "-a"])
def test_a_variable_is_an_identifier(name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name"):
        render(Var(name))
    with pytest.raises(InputError):
        render(Func((Formal(name),), 1))
    with pytest.raises(InputError):
        render(Func(name, 1))


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_comment_is_one_line_without_controls(texts: list[str]) -> None:
    head = render_file(1, tuple(texts)).split("\n")
    assert head[len(texts) :] == ["1", ""]
    for line in head[: len(texts)]:
        assert line.startswith("#")
        assert len(line.splitlines()) == 1
        assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line)
        assert line == line.rstrip()
