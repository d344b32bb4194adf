"""The words of the commands that hooks call."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvlock2nix.cli.inside import run_plain
from uvlock2nix.cli.words import Options, read_words
from uvlock2nix.errors import UsageError

OPTIONS = Options("cores mode", "library", "linked")


def test_options_and_arguments_in_any_order() -> None:
    words = read_words(["a", "--library", "-x", "--linked", "b", "--library", ""], OPTIONS, "FROM TO")
    assert words.arguments == ("a", "b")
    assert words.all("library") == ("-x", "")
    assert words.has("linked")
    assert not words.has("mode")
    assert words.text("mode", "usual") == "usual"
    assert words.number("cores") == 1
    assert words.path("mode") is None
    assert words.paths("library") == (Path("-x"), Path())
    assert words.choice("mode", ["a", "b"], "b") == "b"


@pytest.mark.parametrize("given", [["--unknown", "x"], ["--mode"], ["one"], [], ["--linked=x", "a", "b"]])
def test_what_is_not_expected_is_refused(given: list[str]) -> None:
    with pytest.raises(UsageError):
        read_words(given, OPTIONS, "FROM TO")


def test_values_are_checked() -> None:
    words = read_words(["--cores", "many", "--mode", "c"], OPTIONS, "")
    with pytest.raises(UsageError, match="--cores many: not a number"):
        words.number("cores")
    with pytest.raises(UsageError, match="--mode c: unknown"):
        words.choice("mode", ["a", "b"], "a")
    with pytest.raises(UsageError, match="--library is missing"):
        words.needed("library")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["venv"], 2, "error: uvlock2nix venv: no such command\nhint: the hooks of uvlock2nix call it with"),
        (["venv", "cook"], 2, "error: uvlock2nix venv cook: no such command\n"),
        (["wheel", "settle"], 2, "error: arguments: none\nhint: pass OUT\n"),
        (["venv", "sbom", "there", "--env", "/nowhere"], 3, "error: "),
    ],
)
def test_errors_have_a_hint_and_a_code(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_plain(words)
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith(said)
