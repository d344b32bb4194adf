from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from uvlock2nix.cli.sync import command, parse_collisions
from uvlock2nix.errors import InputError, UsageError


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    argv = [str(tmp_path), "--out", str(tmp_path), "--work", str(tmp_path / "w"), "--interpreter", "/python"]
    argv += ["--python", "3.12", "--system", "x86_64-linux"]
    done = CliRunner().invoke(command, argv)
    assert isinstance(done.exception, UsageError)
    assert "already exists" in done.exception.message


def test_choices() -> None:
    assert parse_collisions("") == {}
    assert parse_collisions('{"a/b": "c"}') == {"a/b": "c"}


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"a": 1}', '{"a": ["b"]}'])
def test_what_are_no_choices(text: str) -> None:
    with pytest.raises(InputError, match="--collisions"):
        parse_collisions(text)
