"""The fuzz targets on a few thousand mutations; the long run is tests/fuzz/refs_fuzz.py."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.refs_fuzz import TARGETS


@pytest.mark.parametrize(("name", "rounds"), [("elf", 3000), ("manifest", 2000), ("tree", 60)])
def test_no_mutation_is_anything_but_refused(name: str, rounds: int) -> None:
    target, seeds = TARGETS[name]
    choice = random.Random(name)  # noqa: S311
    inputs = seeds()
    for _ in range(rounds):
        data = bytearray(choice.choice(inputs))
        for _ in range(choice.randrange(4)):
            at = choice.randrange(len(data)) if data else 0
            match choice.randrange(3):
                case 0:
                    data[at : at + 1] = bytes(
                        [choice.choice((0, 1, 2, 127, 128, 255, choice.randrange(256)))]
                    )
                case 1:
                    del data[at : at + choice.randrange(9)]
                case _:
                    data[at : at + 4] = choice.choice(
                        (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x80", b"\x7f")
                    )
        target(bytes(data))
