import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.classify.closure import Node, decide
from uvlock2nix.errors import InputError
from uvlock2nix.nixpkgs_index.channel import Found, make_index
from uvlock2nix.nixpkgs_index.embedded import Lines, as_lines, embedded_index, read_lines
from uvlock2nix.nixpkgs_index.model import (
    SCHEMA,
    NixpkgsMatch,
    compatible_version,
    parse_index,
    same_version,
)


def test_the_embedded_snapshot_says_what_it_is() -> None:
    index = embedded_index()
    assert "2025-09-27" in index.describe()
    assert index.origin == "embedded"
    assert set(index.sets) == {"3.12", "3.13"}
    assert len(index.sets["3.13"]) > 9000


def test_every_row_of_the_embedded_snapshot_can_be_read() -> None:
    for rows in embedded_index().sets.values():
        assert sum(1 for _ in rows.values()) == len(rows)


def test_lines_say_what_json_says() -> None:
    raw = {
        "schema": SCHEMA, "source": "here", "nixpkgs": "nixpkgs", "date": "2026-11-27", "caveats": ["none"],
        "sets": {
            "312": {"lxml": "6.0.0", "django": ["4.2.24", "django_4", "", {"django_5_2": "5.2.6"}]},
            "313": {"lxml": ["6.0.1", "", "b"], "only-here": "1"},
        },
    }  # fmt: skip
    index, lines = parse_index(raw, "x"), read_lines(as_lines(raw))
    assert {python: dict(rows) for python, rows in lines.sets.items()} == index.sets
    assert (lines.origin, lines.date, lines.caveats) == (index.origin, index.date, index.caveats)
    assert "only-here" not in lines.sets["3.12"]
    assert lines.lookup("django", "5.2", "3.12") == index.lookup("django", "5.2", "3.12")


def test_every_line_of_the_snapshot_is_found_by_halving() -> None:
    lines = Lines(
        "".join(f"{name}\t{name.upper()}\n" for name in sorted(["a", "a-b", "ab", "b", "b-1", "zz"]))
    )
    assert {name: lines[name] for name in lines} == {name: name.upper() for name in lines}
    assert len(lines) == 6
    assert [name in lines for name in ("", "a-", "a\tA", "c", "zzz")] == [False] * 5


def test_the_snapshot_is_sorted() -> None:
    for rows in embedded_index().sets.values():
        assert list(rows) == sorted(rows)
        assert all(name in rows for name in list(rows)[::97])


def test_a_snapshot_that_is_cut_off_is_refused() -> None:
    head = as_lines({"schema": SCHEMA, "sets": {"313": {}}})
    with pytest.raises(ValueError, match="cut off"):
        read_lines(f'{head}good\t"1.0"')


@pytest.mark.parametrize("row", ["7", "[]", '["1", "a b"]', '"1', '["1", "", "", []]', "{}"])
def test_a_damaged_line_is_an_error_when_it_is_looked_up(row: str) -> None:
    head = as_lines({"schema": SCHEMA, "sets": {"313": {}}}).strip()
    index = read_lines(f'{head}\nbad\t{row}\ngood\t"1.0"\n')
    assert index.lookup("good", "1.0", "3.13").match == "same"
    with pytest.raises(InputError, match="bad"):
        index.lookup("bad", "1.0", "3.13")


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("lxml", "6.0.0", NixpkgsMatch("lxml", "6.0.0", "same")),
        ("lxml", "6.0.2", NixpkgsMatch("lxml", "6.0.0", "differs")),
        ("numpy", "2.3.2", NixpkgsMatch("numpy_2", "2.3.2", "same")),
        ("Django", "5.2.6", NixpkgsMatch("django_5_2", "5.2.6", "same", beside="django_4 4.2.24")),
        # Of several different versions: the compatible one, else the nearest.
        ("django", "5.2.1", NixpkgsMatch("django_5_2", "5.2.6", "differs", beside="django_4 4.2.24")),
        ("django", "5.2.12", NixpkgsMatch("django_5_2", "5.2.6", "differs", beside="django_4 4.2.24")),
        ("django", "4.2.1", NixpkgsMatch("django_4", "4.2.24", "differs")),
        ("django", "3.0", NixpkgsMatch("django_4", "4.2.24", "differs")),
        # An attribute with a different name than on PyPI, and one whose name belongs to a different package.
        ("mysql-connector-python", "8.0.33", NixpkgsMatch("mysql-connector", "8.0.33", "same")),
        ("python-xlib", "0.33", NixpkgsMatch("xlib", "0.33", "same")),
        ("openai-whisper", "20250625", NixpkgsMatch("openai-whisper", "20250625", "same")),
        ("whisper", "20250625", NixpkgsMatch("whisper", "1.1.10", "differs")),
        ("web.py", "0.62", NixpkgsMatch("web", "0.62", "same")),
        ("PyGObject", "3.50.0", NixpkgsMatch("pygobject3", "3.50.0", "same")),
        ("no-such-thing", "1", NixpkgsMatch(None, None, "absent")),
        ("lxml", None, NixpkgsMatch("lxml", "6.0.0", "differs")),
    ],
)
def test_lookup(name: str, version: str | None, expected: NixpkgsMatch) -> None:
    assert embedded_index().lookup(name, version, "3.13") == expected


def test_another_python_uses_the_nearest_set() -> None:
    index = embedded_index()
    assert index.python("3.14") == "3.13"
    assert index.python("3.11.4") == "3.12"
    assert index.lookup("lxml", "6.0.0", "3.14").match == "same"


def test_broken_packages_are_marked() -> None:
    index = parse_index({"schema": SCHEMA, "sets": {"313": {"x": ["1", "", "b"]}}}, "f")
    assert not index.lookup("x", "1", "3.13").usable


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"schema": "uvlock2nix/index/2", "sets": {}},
        {"schema": SCHEMA},
        {"schema": SCHEMA, "sets": []},
        {"schema": SCHEMA, "sets": {"313": []}},
        {"schema": SCHEMA, "sets": {"abc": {}}},
        {"schema": SCHEMA, "sets": {"313": {"x": 1}}},
        {"schema": SCHEMA, "sets": {"313": {"x": []}}},
        {"schema": SCHEMA, "sets": {"313": {"x": ["1", "a; builtins.exec"]}}},
        {"schema": SCHEMA, "sets": {"313": {"x": ["1", "", "", []]}}},
        {"schema": SCHEMA, "sets": {"313": {'"; evil': "1"}}},
        {"schema": SCHEMA, "sets": {"313": {"x": "1\x1b[2J"}}},
        {"schema": SCHEMA, "sets": {"313": {"x": ["1", "", "", {"y": "\n"}]}}},
    ],
)
def test_a_torn_or_foreign_index_is_an_error(raw: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        parse_index(raw, "index.json")
    assert "index.json" in caught.value.message
    assert "index update" in caught.value.hint


@pytest.mark.parametrize(
    ("there", "locked", "expected"),
    [
        ("1.0", "1.0.0", True), ("1.4", "1.2", True), ("1.2", "1.4", False), ("2.0", "1.9", False),
        ("0.5.3", "0.5.1", True), ("0.6.0", "0.5.9", False), ("1!1.0", "1.0", False),
        ("2.0rc1", "1.9", False),
        ("unstable-2024", "1.0", False), ("odd", "odd", True),
        # More digits than Python makes a number of.
        ("1" * 5000, "1.0", False), ("1.0", "1" * 5000, False), ("1" * 5000, "1" * 5000, True),
    ],
)  # fmt: skip
def test_compatible(there: str, locked: str, expected: bool) -> None:
    assert compatible_version(there, locked) is expected


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_a_version_is_compatible_with_itself(a: int, b: int, c: int) -> None:
    assert compatible_version(f"{a}.{b}.{c}", f"{a}.{b}.{c}")
    assert same_version(f"{a}.{b}", f"{a}.{b}.0")


def test_versions_of_thousands_of_digits_are_compared_as_text() -> None:
    long = "1" * 5000
    index = parse_index({"schema": SCHEMA, "sets": {"313": {"x": [long, "", "", {"x_1": "1.0"}]}}}, "f")
    assert index.lookup("x", long, "3.13").match == "same"
    assert index.lookup("x", "1.0", "3.13").attr == "x_1"
    assert index.lookup("x", "2.0", "3.13").match == "differs"
    assert make_index(
        {"313": [Found("x", "x", long), Found("x_1", "x", "1.0")]},
        source="s", nixpkgs="n", date="d", revision=None, system="x",
    )["sets"]  # fmt: skip
    node = Node("x", "1.0", NixpkgsMatch("x", "1.1", "differs"), needed_by={"app": f"<{long}"})
    assert decide({"x": node}, "compatible").taken == {}


def test_no_text_of_an_index_reaches_the_terminal_as_a_command() -> None:
    raw = {
        "schema": SCHEMA,
        "source": "\x1b[2J",
        "nixpkgs": "n\n",
        "date": "\x07",
        "sets": {},
        "caveats": ["\x1b"],
    }
    index = parse_index(raw, "f")
    assert (index.describe() + "".join(index.caveats)).isprintable()
    rows = make_index(
        {"313": [Found("x", "x", "1\x1b"), Found("y", "y", "2")]},
        source="s", nixpkgs="n", date="d", revision=None, system="x",
    )["sets"]  # fmt: skip
    assert rows == {"313": {"y": "2"}}
