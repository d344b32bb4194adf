import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from uvlock2nix.errors import NetworkError, ToolError
from uvlock2nix.nixpkgs_index.channel import Found, make_index
from uvlock2nix.nixpkgs_index.evaluate import evaluate
from uvlock2nix.nixpkgs_index.model import parse_index


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    stdout: str


class FakeNix:
    """Answers as nix-instantiate does; a part that names a poisoned attribute fails as a whole."""

    def __init__(
        self, rows: dict[str, object], poison: frozenset[str] = frozenset(), version: str = ""
    ) -> None:
        self.rows, self.poison, self.version = rows, poison, version
        self.asked: list[list[str]] = []

    def run(self, argv: Sequence[str], on_line: Callable[[str], None]) -> Ran:
        args = {argv[i + 1]: argv[i + 2] for i, word in enumerate(argv) if word == "--argstr"}
        if "names" not in args:
            about = {"version": self.version, "default": "3.14"}
            return Ran(0, json.dumps({"names": list(self.rows), **about}))
        names = json.loads(args["names"])
        self.asked.append(names)
        if self.poison & set(names):
            on_line("error: infinite recursion encountered")
            return Ran(1, "")
        return Ran(0, json.dumps({name: self.rows[name] for name in names}))


def row(version: str, **more: object) -> dict[str, object]:
    return {"pname": "x", "version": version, "name": f"x-{version}", "pypi": None, "usable": True, **more}


def test_rows_and_what_is_no_package() -> None:
    nix = FakeNix({"a": row("1", pypi="A.B"), "b": row("2", usable=False), "callPackage": None})
    found = evaluate(nix, (("nixpkgsPath", "/x"),), "3.13", "x86_64-linux")
    assert set(found.found) == {Found("a", "x", "1", True, "A.B"), Found("b", "x", "2", False)}
    assert found.failed == ()


def test_a_package_that_breaks_evaluation_costs_only_itself() -> None:
    rows: dict[str, object] = {f"p{i}": row(str(i)) for i in range(100)}
    steps: list[tuple[int, int]] = []
    nix = FakeNix(rows, frozenset({"p37", "p38"}))
    found = evaluate(nix, (), "3.13", "x86_64-linux", lambda done, total: steps.append((done, total)))
    assert found.failed == ("p37", "p38")
    assert len(found.found) == 98
    assert steps[-1] == (100, 100)
    assert len(nix.asked) < 40


def test_the_version_tells_date_and_revision() -> None:
    found = evaluate(FakeNix({"a": row("1")}, version="25.11pre-git.20250927.0123456789ab"), (), "3.13", "x")
    assert (found.date, found.revision) == ("2025-09-27", "0123456789ab")
    assert evaluate(FakeNix({"a": row("1")}, version="25.11"), (), "3.13", "x").date is None


def test_the_default_python_goes_into_the_index() -> None:
    found = evaluate(FakeNix({"a": row("1")}), (), "3.13", "x86_64-linux")
    assert found.python == "3.14"
    facts = {"source": "s", "nixpkgs": "n", "date": "2026-01-01", "revision": None, "system": "x86_64-linux"}
    raw = make_index({"313": found.found}, **facts, python=found.python)  # type: ignore[arg-type]
    assert parse_index(raw, "x").default_python == "3.14"
    del raw["python"]  # as older versions wrote it
    assert parse_index(raw, "x").default_python is None
    assert parse_index({**raw, "python": "3.14; rm"}, "x").default_python is None


@dataclass(frozen=True, slots=True)
class Failing:
    words: str

    def run(self, argv: Sequence[str], on_line: Callable[[str], None]) -> Ran:
        assert argv[-3:] == ["--option", "extra-experimental-features", "flakes"]
        on_line(self.words)
        return Ran(1, "")


@pytest.mark.parametrize(
    ("words", "kind", "hint"),
    [
        ("error: unable to download 'https://e.org/x': Could not resolve", NetworkError, "check the network"),
        ("error: experimental Nix feature 'fetch-tree' is disabled", ToolError, "enable it in nix.conf"),
        ("error: syntax error", ToolError, "--channel creates an index without Nix"),
    ],
)
def test_a_nixpkgs_that_does_not_evaluate(words: str, kind: type[ToolError], hint: str) -> None:
    options = ("--option", "extra-experimental-features", "flakes")
    with pytest.raises(kind) as caught:
        evaluate(Failing(words), (), "3.13", "x86_64-linux", options=options)
    assert hint in caught.value.hint
    assert words in caught.value.message


def test_no_such_python() -> None:
    with pytest.raises(ToolError, match=r"no packages for Python 3\.9"):
        evaluate(FakeNix({}), (), "3.9", "x86_64-linux")
