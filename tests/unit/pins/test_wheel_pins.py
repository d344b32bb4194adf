"""What a hostile wheel names: pins are written so that they can be read again."""

from __future__ import annotations

import json

import pytest

from uvlock2nix.inspect.interpreters import foreign_interpreter
from uvlock2nix.wheel_pins import WheelNeeds, from_json, recordable, to_json

OF = "0" * 16
ODD = ["lib\n.so", "lib\x1b[2J.so", "a b.so", "../x.so", "\udcff.so", "l" * 300, ""]


def read_again(needs: WheelNeeds) -> tuple[WheelNeeds, list[str]]:
    problems: list[str] = []
    text = json.dumps(to_json((("x86_64-linux", needs),))).encode()
    (found,) = from_json(json.loads(text), problems)
    return found[1], problems


@pytest.mark.parametrize("name", ODD)
def test_names_that_no_file_has(name: str) -> None:
    read = WheelNeeds(OF, needs=(("one", ("libz.so.1", name)),), programs=(("two", (name,)),))
    assert read_again(read)[1]
    kept = recordable(read)
    assert read_again(kept) == (kept, [])
    assert kept.needs == (("one", ("libz.so.1",)),)
    assert kept.programs == ()
    assert [package for package, _ in kept.unread] == ["one", "two"]


def test_reasons_with_names_of_files() -> None:
    read = WheelNeeds(
        OF, unread=(("one", "a\nb.so: damaged; " * 50), ("two", "\udcff.so: not a valid ELF file"))
    )
    kept = recordable(read)
    assert read_again(kept) == (kept, [])
    assert [package for package, _ in kept.unread] == ["one", "two"]


def test_what_is_usual_stays() -> None:
    read = WheelNeeds(OF, (("one", ("libz.so.1",)),), (("two", "too large"),), (("one", ("node",)),))
    assert recordable(read) == read


@pytest.mark.parametrize("program", [b"ba\0sh", b"\x1b[2J", b"$(id)", b"\xff", b"a" * 200, b'a"b'])
def test_a_shebang_of_no_program(program: bytes) -> None:
    assert foreign_interpreter(b"#!/usr/bin/env node\n") == "node"
    assert foreign_interpreter(b"#!/usr/bin/" + program + b"\n") is None
